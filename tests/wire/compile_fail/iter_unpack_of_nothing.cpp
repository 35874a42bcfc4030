// expect: cannot iteratively unpack with a struct of length 0
#include <socketserver/wire/struct.hpp>
#include <string_view>

int main() { (void)socketserver::Struct<"">::iter_unpack(std::string_view()); }
