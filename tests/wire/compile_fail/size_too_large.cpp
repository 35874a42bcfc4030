// expect: total struct size too long
#include <socketserver/wire/struct.hpp>

int main() { return static_cast<int>(socketserver::Struct<"9223372036854775807xx">::size); }
