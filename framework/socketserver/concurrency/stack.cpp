#include <socketserver/concurrency/detail/stack.hpp>

#include <sys/mman.h>
#include <unistd.h>
#include <csignal>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>

namespace socketserver::detail {
namespace {

constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, Linux 6.13; it needs no mapping of its own

std::size_t round_up_to_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

}  // namespace

Stack::Stack(std::size_t usable_bytes) : usable_bytes_(round_up_to_pages(usable_bytes)) {
  void* memory = ::mmap(nullptr, kGuardBytes + usable_bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "a fiber's stack");
  begin_ = static_cast<std::byte*>(memory);
  (void)::madvise(begin_, kGuardBytes + usable_bytes_, MADV_NOHUGEPAGE);  // a huge page for two pages in use
  if (::madvise(begin_, kGuardBytes, kGuardInstall) == 0) return;
  if (::mprotect(begin_, kGuardBytes, PROT_NONE) == 0) return;
  const int error = errno;
  ::munmap(begin_, kGuardBytes + usable_bytes_);
  throw std::system_error(error, std::generic_category(),
                          "a fiber stack's guard (vm.max_map_count bounds their number)");
}

Stack::~Stack() { ::munmap(begin_, kGuardBytes + usable_bytes_); }

namespace {

constinit thread_local const Stack* running_stack = nullptr;
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
  if (running_stack != nullptr && running_stack->guards(info->si_addr)) report(*running_stack);
  // Whoever was here before decides; with the default, the instruction faults again and ends the process.
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

constexpr std::size_t kSignalStackBytes = 65536;

}  // namespace

StackOverflowReports::StackOverflowReports() {
  install_handler();
  stack_t present{};
  if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;  // has one, e.g. ASan's
  signal_stack_ = new std::byte[kSignalStackBytes];
  const stack_t ours{.ss_sp = signal_stack_, .ss_flags = 0, .ss_size = kSignalStackBytes};
  ::sigaltstack(&ours, nullptr);
}

StackOverflowReports::~StackOverflowReports() {
  if (signal_stack_ == nullptr) return;
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  ::sigaltstack(&none, nullptr);
  delete[] signal_stack_;
}

void StackOverflowReports::running(const Stack* stack) noexcept { running_stack = stack; }

}  // namespace socketserver::detail
