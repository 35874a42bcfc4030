#pragma once
// Which sanitizer the code is compiled with, whichever the compiler: SOCKETSERVER_ASAN or SOCKETSERVER_TSAN.

#if defined(__SANITIZE_ADDRESS__)
#define SOCKETSERVER_ASAN
#elif defined(__SANITIZE_THREAD__)
#define SOCKETSERVER_TSAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SOCKETSERVER_ASAN
#elif __has_feature(thread_sanitizer)
#define SOCKETSERVER_TSAN
#endif
#endif
