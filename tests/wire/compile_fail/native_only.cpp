// expect: n, N and P are native only
#include <socketserver/wire/struct.hpp>

int main() { return static_cast<int>(socketserver::Struct<"<n">::size); }
