#include <socketserver/server/handler_scope.hpp>

#include <socketserver/wait/execution.hpp>
#include <utility>

namespace socketserver::detail {

HandlerScope::HandlerScope(const BaseServer& server)
    : server_(server), outer_(std::exchange(execution().scopes, this)) {}

HandlerScope::~HandlerScope() { execution().scopes = outer_; }

bool HandlerScope::is_inside(const BaseServer& server) noexcept {
  const auto* scope = static_cast<const HandlerScope*>(execution().scopes);
  while (scope != nullptr && &scope->server_ != &server) scope = static_cast<const HandlerScope*>(scope->outer_);
  return scope != nullptr;
}

}  // namespace socketserver::detail
