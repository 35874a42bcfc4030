#pragma once
// All that a server's author needs.

/// @namespace socketserver
/// TCP servers in the shape of Python's socketserver: TCPServer runs a handler, BaseRequestHandler or
/// StreamRequestHandler, for each connection; serve_main() makes a program of it.

/// @namespace socketserver::testing
/// Tests of handlers and servers: run_handler() against a Script in memory, sweep_chunks() and sweep_faults(),
/// simulate(), and ServerFixture for real sockets.

#include <socketserver/base/errors.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/cli/serve_main.hpp>
#include <socketserver/concurrency/broadcast.hpp>
#include <socketserver/concurrency/offload.hpp>
#include <socketserver/concurrency/outbox.hpp>
#include <socketserver/concurrency/sync.hpp>
#include <socketserver/config/load.hpp>
#include <socketserver/handlers/base_request_handler.hpp>
#include <socketserver/handlers/echo.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/handlers/struct_echo.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/net/connect.hpp>
#include <socketserver/server/tcp_server.hpp>
