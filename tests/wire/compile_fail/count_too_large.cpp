// expect: repeat count too large
#include <socketserver/wire/struct.hpp>

int main() { return static_cast<int>(socketserver::Struct<"9223372036854775808x">::size); }
