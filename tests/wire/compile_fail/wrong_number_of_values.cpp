// expect: the format takes another number of values
#include <socketserver/wire/struct.hpp>

int main() { (void)socketserver::Struct<"2h">::pack(1); }
