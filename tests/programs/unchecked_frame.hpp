#pragma once
// A large frame in code that was not compiled as programs that link socketserver are: a third-party library.

#include <string>

/// One frame of 300,000 bytes, whose far end is touched first, compiled without -fstack-clash-protection.
std::string use_unchecked_frame();
