// expect: more than 256 values
#include <socketserver/wire/struct.hpp>

int main() { return static_cast<int>(socketserver::Struct<"100000000B">::size); }
