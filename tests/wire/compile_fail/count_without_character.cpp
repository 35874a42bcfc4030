// expect: repeat count given without format specifier
#include <socketserver/wire/struct.hpp>

int main() { return static_cast<int>(socketserver::Struct<"! I 2">::size); }
