// Answers what one recv brings, stripped and in upper case, then closes: a handler on the raw stream.

#include <socketserver/socketserver.hpp>

int main(int argc, char** argv) { return socketserver::serve_main<socketserver::RawUpperCaseHandler>(argc, argv); }
