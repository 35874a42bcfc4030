#include <socketserver/base/detail/fiber.hpp>

#include <utility>

namespace socketserver::detail {
namespace {

// A fiber never changes threads, so what a thread_local says stays true across its waits.
constinit thread_local Execution own{};
constinit thread_local Execution* current = nullptr;

}  // namespace

Execution& execution() noexcept { return current != nullptr ? *current : own; }

Execution* exchange_execution(Execution* next) noexcept { return std::exchange(current, next); }

}  // namespace socketserver::detail
