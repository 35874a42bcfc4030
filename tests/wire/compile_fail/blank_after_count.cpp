// expect: blank between a repeat count and its format specifier
#include <socketserver/wire/struct.hpp>

int main() { return static_cast<int>(socketserver::Struct<"! I 2 s">::size); }
