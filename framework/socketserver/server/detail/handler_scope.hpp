#pragma once
// Which servers' handlers and hooks run on this thread, so that a shutdown() in one does not wait for itself.

namespace socketserver {

class BaseServer;

namespace detail {

/// While it lives this thread counts as one of the server's. Scopes of one thread may end in any order, as
/// those of fibers do; fibers never change threads, so it stays true.
class HandlerScope {
 public:
  explicit HandlerScope(const BaseServer& server);
  HandlerScope(const HandlerScope&) = delete;
  HandlerScope& operator=(const HandlerScope&) = delete;
  ~HandlerScope();

  static bool is_inside(const BaseServer& server) noexcept;

 private:
  const BaseServer& server_;
};

}  // namespace detail
}  // namespace socketserver
