// expect: a prefix, one of @ = < > !, is the first character
#include <socketserver/wire/struct.hpp>

int main() { return static_cast<int>(socketserver::Struct<"<>h">::size); }
