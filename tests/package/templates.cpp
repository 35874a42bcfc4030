// Every template of the public headers, instantiated in a program that links against the shared library.
#include <array>
#include <cstdio>
#include <functional>
#include <socketserver/concurrency/broadcast.hpp>
#include <socketserver/concurrency/offload.hpp>
#include <socketserver/concurrency/sync.hpp>
#include <socketserver/io/memory_stream.hpp>
#include <socketserver/socketserver.hpp>
#include <socketserver/wire/struct.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace ss = socketserver;

template <typename Call>
bool throws_struct_error(Call call) {
  try {
    call();
    return false;
  } catch (const ss::StructError&) {
    return true;
  }
}

/// Each error of wire/, by its own function.
bool structs() {
  using Numbers = ss::Struct<"! b H q e f d ? c 3s 4p x">;
  using Pair = ss::Struct<"<hB">;
  const auto bytes = Pair::pack(-2, 7);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::array<std::byte, 2> small{};
  int sum = 0;
  for (const auto& [a, b] : Pair::iter_unpack(text)) sum += a + b;
  return sum == 5 && Pair::unpack(text) == Pair::unpack_from(text) && Numbers::size > 0 &&
         throws_struct_error([] { (void)Pair::pack(70000, 7); }) &&
         throws_struct_error([] { (void)ss::Struct<"<e">::pack(1e9); }) &&
         throws_struct_error([] { (void)Pair::unpack("x"); }) &&
         throws_struct_error([] { (void)Pair::unpack_from("abc", 1); }) &&
         throws_struct_error([&small] { Pair::pack_into(small, 0, 1, 2); }) &&
         throws_struct_error([] { (void)Pair::iter_unpack(std::string_view("abcd")); });
}

class Handler : public ss::StreamRequestHandler {
 public:
  explicit Handler(int& served) : served_(served) {}

 protected:
  void handle() override {
    for (const auto line : rfile().lines()) wfile() << line << 1 << '\n';
    ++served_;
  }

 private:
  int& served_;
};

template <template <typename> typename Server>
bool serves() {
  int served = 0;
  ss::ServerConfig config;
  config.listen[0].host = "127.0.0.1";
  config.listen[0].port = 0;
  Server<Handler> server{config, std::ref(served)};
  server.request_stop();
  return server.serve_forever().forced == 0;
}

bool broadcasts() {
  ss::MemoryStream stream;
  ss::Outbox outbox(stream, {.max_messages = 10, .when_full = ss::WhenFull::drop_oldest});
  ss::Broadcast broadcast;
  const auto membership = broadcast.join(outbox);
  return broadcast.post("to all") == 1 && outbox.post(" and one") && outbox.flush() && outbox.open() &&
         outbox.waiting() + outbox.dropped() == 0 && broadcast.members() == 1 && stream.written() == "to all and one";
}

template <typename Handler>
using Configured = ss::TCPServer<Handler>;

}  // namespace

int main() {
  ss::Mutex mutex;
  ss::ConditionVariable changed;
  std::unique_lock<ss::Mutex> lock(mutex);
  changed.notify_all();
  const bool waited = changed.wait_until(lock, ss::Deadline::at_once(), [] { return true; });
  const bool all = waited && structs() && broadcasts() && ss::offload([] { return 3; }) == 3 && serves<Configured>() &&
                   serves<ss::ThreadingTCPServer>() && serves<ss::PoolTCPServer>() && serves<ss::FiberTCPServer>();
  std::puts(all ? "all linked" : "wrong results");
  return all ? 0 : 1;
}
