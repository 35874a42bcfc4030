#include <socketserver/base/text.hpp>
#include <socketserver/concurrency/pool_policy.hpp>

namespace socketserver::detail {

std::string PoolPolicy::describe() const { return concat("pool of ", threads_, " threads and a queue of ", queue_); }

}  // namespace socketserver::detail
