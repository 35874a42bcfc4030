#include <socketserver/server/detail/handler_scope.hpp>

#include <algorithm>
#include <vector>

namespace socketserver::detail {
namespace {

thread_local std::vector<const BaseServer*> servers_here;

}  // namespace

HandlerScope::HandlerScope(const BaseServer& server) : server_(server) { servers_here.push_back(&server); }

HandlerScope::~HandlerScope() { servers_here.erase(std::find(servers_here.begin(), servers_here.end(), &server_)); }

bool HandlerScope::is_inside(const BaseServer& server) noexcept {
  return std::find(servers_here.begin(), servers_here.end(), &server) != servers_here.end();
}

}  // namespace socketserver::detail
