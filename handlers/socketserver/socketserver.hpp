#pragma once
// All that a server's author needs.

#include <socketserver/base/errors.hpp>
#include <socketserver/base/text.hpp>
#include <socketserver/cli/serve_main.hpp>
#include <socketserver/concurrency/offload.hpp>
#include <socketserver/concurrency/sync.hpp>
#include <socketserver/config/load.hpp>
#include <socketserver/handlers/base_request_handler.hpp>
#include <socketserver/handlers/echo.hpp>
#include <socketserver/handlers/stream_request_handler.hpp>
#include <socketserver/handlers/struct_echo.hpp>
#include <socketserver/handlers/upper_case.hpp>
#include <socketserver/net/connect.hpp>
#include <socketserver/server/tcp_server.hpp>
