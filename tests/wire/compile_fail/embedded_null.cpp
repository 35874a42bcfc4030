// expect: bad char in struct format
#include <socketserver/wire/struct.hpp>

int main() { return static_cast<int>(socketserver::Struct<"h\0h">::size); }
