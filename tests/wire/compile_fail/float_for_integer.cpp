// expect: this item takes an integer
#include <socketserver/wire/struct.hpp>

int main() { (void)socketserver::Struct<"h">::pack(1.0); }
