// expect: deleted
#include <socketserver/wire/struct.hpp>
#include <string>

int main() { (void)socketserver::Struct<"h">::iter_unpack(std::string("abcd")); }
