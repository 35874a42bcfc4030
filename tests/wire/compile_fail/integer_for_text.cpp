// expect: s and p take text
#include <socketserver/wire/struct.hpp>

int main() { (void)socketserver::Struct<"2s">::pack(1); }
