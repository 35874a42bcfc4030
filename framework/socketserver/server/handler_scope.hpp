#pragma once
// Which servers' handlers and hooks run on this thread or fiber, so that a shutdown() in one does not wait for itself.

namespace socketserver {

class BaseServer;

namespace detail {

/// While it lives this thread or fiber counts as one of the server's.
class HandlerScope {
 public:
  explicit HandlerScope(const BaseServer& server);
  HandlerScope(const HandlerScope&) = delete;
  HandlerScope& operator=(const HandlerScope&) = delete;
  ~HandlerScope();

  static bool is_inside(const BaseServer& server) noexcept;

 private:
  const BaseServer& server_;
  const void* const outer_;  // the scope around this one
};

}  // namespace detail
}  // namespace socketserver
