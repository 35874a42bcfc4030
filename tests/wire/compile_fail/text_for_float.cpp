// expect: this item takes a number
#include <socketserver/wire/struct.hpp>

int main() { (void)socketserver::Struct<"f">::pack("1"); }
