#pragma once
// What the other C++ servers share: the command line, the listening socket, and the work itself.

#include <cstddef>

namespace bench {

inline constexpr int kBacklog = 4096;

/// @returns the size of a connection's read buffer, and so the longest line: the first argument, 4096 without one.
std::size_t buffer_size(int argc, char** argv);

/// @returns a non-blocking socket that listens on a free port of 127.0.0.1.
/// @throws std::system_error
int listen_on_loopback();

/// Writes "port N", the line that the harness waits for.
void announce(int listener);

/// Turns Nagle's algorithm off, as every server here does.
void set_nodelay(int descriptor) noexcept;

/// Answers a connection's input line by line and in place: a-z become A-Z. The first `searched` bytes have no '\n'.
/// @returns the bytes up to and with the last '\n'; what follows waits for its end.
std::size_t answer_lines(char* data, std::size_t size, std::size_t searched) noexcept;

}  // namespace bench
