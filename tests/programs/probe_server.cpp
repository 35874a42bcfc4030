// A line server that does on request what a test wants to see, and answers each line with one line.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <future>
#include <iterator>
#include <mutex>
#include <semaphore>
#include <socketserver/net/socket_stream.hpp>
#include <socketserver/socketserver.hpp>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "failing_new.hpp"
#include "unchecked_frame.hpp"

namespace {

using namespace socketserver;

/// Given by one connection, awaited by another.
struct Release {
  Mutex mutex;
  ConditionVariable changed;
  bool given = false;
  std::counting_semaphore<> unblocked{0};
};

/// Uses so much of the stack, in steps that no guard is too narrow for.
__attribute__((noinline)) std::size_t use_stack(std::size_t bytes) {
  volatile char step[1024];
  for (std::size_t i = 0; i < sizeof step; i += 64) step[i] = static_cast<char>(bytes);
  const std::size_t below = bytes > sizeof step ? use_stack(bytes - sizeof step) : 0;
  return below + static_cast<std::size_t>(step[0] == 0 ? 1 : 2);
}

struct NoDescription : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

/// One frame whose far end is touched first, and lies past two guards, in the upper part of a stack: stacks of 65,536
/// bytes, side by side with their guards of 1 MiB.
__attribute__((noinline)) std::string use_frame() {
  volatile char frame[2 * (65536 + (1 << 20)) + 20000];
  frame[0] = 'x';
  return std::string(1, frame[0]);
}

class ProbeHandler : public StreamRequestHandler {
 public:
  explicit ProbeHandler(Release& release) : release_(release) {}

 protected:
  void setup() override {
    StreamRequestHandler::setup();
    if (server().config().app.find("throw_every") == std::string::npos) return;
    static std::atomic<unsigned> handlers{0};
    const unsigned number = ++handlers;
    if (number % 7 == 0) throws_ = static_cast<Throws>(number / 7 % 4);
    if (throws_ == Throws::in_setup) throw std::runtime_error("in setup");
  }
  void finish() override {
    StreamRequestHandler::finish();
    if (throws_ == Throws::in_finish) throw std::runtime_error("in finish");
  }
  void handle() override {
    if (throws_ == Throws::in_handle) throw std::runtime_error("in handle");
    if (throws_ == Throws::a_number) throw 42;
    while (const auto line = rfile().readline()) wfile() << answer(std::string(strip(*line))) << '\n';
  }

 private:
  enum class Throws { in_handle, a_number, in_setup, in_finish, nowhere };

  std::string answer(const std::string& command) {
    if (command == "options") return options();
    if (command == "client") return client_address().to_string();
    if (command == "connection") return connection().connection_address().to_string();
    if (command == "authority") return authority();
    if (command == "tls") return session();
    if (command.starts_with("GET ")) return http();
    if (command == "app") return server().config().app;
    if (command == "thread") return std::to_string(::gettid());
    if (command == "main thread") return std::to_string(::getpid());
    if (command == "throw null") throw NoDescription();
    if (command.starts_with("throw")) throw std::runtime_error("on request" + command.substr(5));
    if (command == "end thread") ::pthread_exit(nullptr);
    if (command == "peek") return "peeked " + std::to_string(rfile().peek().size());
    if (command == "mebibyte") request().sendall(std::string(1 << 20, 'x'));
    if (command.starts_with("resolve ")) return resolved(command.substr(8));
    if (command == "flood") request().sendall(std::string(64 << 20, 'x'));
    if (command == "leave") return leave();
    if (command == "stuck") std::promise<void>().get_future().wait();  // never returns, even when the connection ends
    if (command == "hold") return hold();
    if (command == "release") release();
    if (command.starts_with("stack ")) return use_stack(std::stoul(command.substr(6))) > 0 ? "used" : "";
    if (command == "frame") return use_frame();
    if (command == "unchecked frame") return use_unchecked_frame();
    if (command == "block") release_.unblocked.acquire();  // the thread, with all that runs on it
    if (command == "offload") offload([this] { release_.unblocked.acquire(); });
    if (command == "unblock") release_.unblocked.release();
    return command;
  }

  std::string options() {
    const int fd = dynamic_cast<SocketStream&>(request()).native_handle();
    const auto value = [fd](int level, int name) { return std::to_string(get_option(fd, level, name).value_or(-1)); };
    return value(IPPROTO_TCP, TCP_NODELAY) + " " + value(SOL_SOCKET, SO_KEEPALIVE) + " " +
           value(SOL_SOCKET, SO_RCVBUF) + " " + value(SOL_SOCKET, SO_SNDBUF) + " " + value(IPPROTO_TCP, TCP_KEEPIDLE) +
           " " + value(IPPROTO_TCP, TCP_KEEPINTVL) + " " + value(IPPROTO_TCP, TCP_KEEPCNT);
  }

  /// What the PROXY header says of the name that the client asked for. Source: proxy-protocol.txt, PP2_TYPE_AUTHORITY.
  std::string authority() {
    const ProxyHeader* header = connection().proxy();
    const std::string* name = header == nullptr ? nullptr : header->tlv(0x02);
    return name == nullptr ? "none" : *name;
  }

  std::string session() {
    const auto info = connection().tls();
    if (!info) return "none";
    const auto& peer = info->peer_certificate;
    return info->version + " " + info->server_name + " " + info->alpn + " " + (peer ? peer->subject : "no certificate");
  }

  /// Answers a request of HTTP without a body. The line feed after each answer is the last of its six bytes.
  std::string http() {
    while (const auto header = rfile().readline()) {
      if (strip(*header).empty()) break;
    }
    return "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello";
  }

  /// The first address of a name, or why there is none.
  static std::string resolved(const std::string& name) {
    try {
      return resolve(name, 7, Deadline::after(std::chrono::milliseconds(300))).at(0).to_string();
    } catch (const StreamError& error) {
      return error.what();
    }
  }

  /// Writes, then waits for another connection's "release" without reading: was the text sent before?
  std::string hold() {
    wfile() << "held\n";
    std::unique_lock lock(release_.mutex);
    release_.changed.wait(lock, [this] { return release_.given; });
    return "released";
  }

  void release() {
    const std::lock_guard lock(release_.mutex);
    release_.given = true;
    release_.changed.notify_all();
  }

  /// Ends the connection from this side, as the end of handle() would.
  std::string leave() { throw TimeoutError("leaving on request"); }

  Release& release_;
  Throws throws_ = Throws::nowhere;
};

/// Has madvise() refuse to install guards, as kernels before 6.13 do.
void be_an_older_kernel() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 102, 0, 1),  // MADV_GUARD_INSTALL
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = std::size(filter), .filter = filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    throw std::system_error(errno, std::generic_category(), "seccomp");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (std::getenv("PROBE_OLDER_KERNEL") != nullptr) be_an_older_kernel();
  if (const char* rate = std::getenv("PROBE_FAIL_ONE_IN")) fail_on_signal(static_cast<unsigned>(std::atoi(rate)));
  Release release;
  return serve_main<ProbeHandler>(argc, argv, std::ref(release));
}
