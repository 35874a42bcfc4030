// expect: c takes a char
#include <socketserver/wire/struct.hpp>

int main() { (void)socketserver::Struct<"c">::pack("a"); }
