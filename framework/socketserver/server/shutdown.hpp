#pragma once
// A stop: the drain of what is served, its deadline, and the end.
//
//   request_stop: start -> serving thread: run = accept the rest, finish
//                   \-> at the drain deadline, in the background: force

#include <atomic>
#include <socketserver/observe/stats.hpp>
#include <socketserver/server/accept_loop.hpp>
#include <socketserver/server/server_core.hpp>

namespace socketserver::detail {

class Shutdown {
 public:
  Shutdown(ServerCore& core, AcceptLoop& accept_loop) : core_(core), accept_loop_(accept_loop) {}

  /// Drains all connections and sets the drain deadline. Threads: any.
  void start();
  /// The rest of a stop, on the serving thread. @returns after every handler has ended.
  DrainReport run();
  /// Waits for the handlers' end, and leaves everything as it was before the drain began.
  DrainReport finish();

 private:
  void force();

  ServerCore& core_;
  AcceptLoop& accept_loop_;
  std::atomic<bool> over_{false};  // the drain deadline has passed
};

}  // namespace socketserver::detail
