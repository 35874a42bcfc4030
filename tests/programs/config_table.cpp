// Prints the configuration's keys as the Markdown table of the documents.

#include <iostream>
#include <socketserver/config/load.hpp>

int main() { std::cout << socketserver::config_markdown(); }
