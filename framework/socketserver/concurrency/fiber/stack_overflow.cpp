#include <socketserver/concurrency/fiber/stack_overflow.hpp>

#include <unistd.h>
#include <csignal>

#include <cstring>
#include <mutex>

namespace socketserver::detail {
namespace {

constinit thread_local const Stack* running_stack = nullptr;
constexpr std::size_t kSignalStackBytes = 65536;
struct sigaction previous_action;  // set once, before the handler can run

// Only what a signal handler may call. Source: signal-safety(7).
void report(const Stack& stack) {
  char line[160] = "a fiber's stack overflowed: raise /concurrency/stack_size, which is ";
  std::size_t length = std::strlen(line);
  char digits[24];
  std::size_t count = 0;
  for (std::size_t left = stack.usable_bytes(); left > 0; left /= 10)
    digits[count++] = static_cast<char>('0' + left % 10);
  while (count > 0) line[length++] = digits[--count];
  std::memcpy(line + length, " bytes\n", 7);
  (void)!::write(STDERR_FILENO, line, length + 7);
}

void on_fault(int signal, siginfo_t* info, void* context) {
  if (info->si_code <= 0) {  // sent by kill(2) or the like
    ::signal(signal, SIG_DFL);
    (void)::raise(signal);
    return;
  }
  if (running_stack != nullptr && running_stack->is_below(info->si_addr)) report(*running_stack);
  // The previous action decides; with the default, the instruction faults again and ends the process.
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) return previous_action.sa_sigaction(signal, info, context);
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    return previous_action.sa_handler(signal);
  }
  ::signal(signal, SIG_DFL);
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = &on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(SIGSEGV, nullptr, &previous_action);
    ::sigaction(SIGSEGV, &action, nullptr);
  });
}

}  // namespace

StackOverflowReports::StackOverflowReports() : signal_stack_(new std::byte[kSignalStackBytes]) {}

void StackOverflowReports::begin() noexcept {
  install_handler();
  stack_t present{};
  if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;  // has one, e.g. ASan's
  const stack_t ours{.ss_sp = signal_stack_.get(), .ss_flags = 0, .ss_size = kSignalStackBytes};
  in_use_ = ::sigaltstack(&ours, nullptr) == 0;
}

void StackOverflowReports::end() noexcept {
  if (!in_use_) return;
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  ::sigaltstack(&none, nullptr);
}

void StackOverflowReports::running(const Stack* stack) noexcept { running_stack = stack; }

}  // namespace socketserver::detail
