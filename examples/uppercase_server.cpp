// Answers each line in upper case. Try: printf 'hello\nworld\n' | nc -N 127.0.0.1 9999

#include <socketserver/socketserver.hpp>

int main(int argc, char** argv) { return socketserver::serve_main<socketserver::UpperCaseHandler>(argc, argv); }
