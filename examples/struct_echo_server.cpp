// Echoes a line, then logs the binary record that follows it. examples/struct_client.cpp is a client for it.

#include <socketserver/socketserver.hpp>

int main(int argc, char** argv) { return socketserver::serve_main<socketserver::StructEchoHandler>(argc, argv); }
