// Reads the names of configuration files, one a line, and answers each with the loader's verdict: "good", or its error.

#include <iostream>
#include <socketserver/config/load.hpp>
#include <string>

int main() {
  for (std::string path; std::getline(std::cin, path);) {
    try {
      socketserver::load_config(path);
      std::cout << "good\n";
    } catch (const socketserver::ConfigError& error) {
      std::cout << error.what() << '\n';
    }
  }
}
