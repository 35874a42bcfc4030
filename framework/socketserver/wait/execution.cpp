#include <socketserver/wait/execution.hpp>

namespace socketserver::detail {

constinit thread_local Execution thread_execution{};
constinit thread_local Execution* current_execution = nullptr;

}  // namespace socketserver::detail
