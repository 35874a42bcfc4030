// Poco's TCPServer: a thread for each connection, out of a pool that is large enough for all.
// Usage: poco_server [buffer bytes]

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <Poco/ThreadPool.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <vector>

#include "server.hpp"

namespace {

constexpr int kMaxThreads = 20000;
std::size_t longest_line = 0;  // set once, before the server starts: Poco's plain factory hands nothing on

class Connection : public Poco::Net::TCPServerConnection {
 public:
  using TCPServerConnection::TCPServerConnection;

  void run() override {
    socket().setNoDelay(true);
    std::vector<char> buffer(longest_line);
    try {
      for (std::size_t kept = 0; kept < buffer.size();) {
        const int got = socket().receiveBytes(buffer.data() + kept, static_cast<int>(buffer.size() - kept));
        if (got <= 0) return;
        kept = answer(buffer, kept, static_cast<std::size_t>(got));
      }
    } catch (const Poco::Exception&) {
      // The peer went away, which ends this connection alone.
    }
  }

 private:
  /// @returns the bytes of the line whose end has not come yet.
  std::size_t answer(std::vector<char>& buffer, std::size_t kept, std::size_t got) {
    const std::size_t filled = kept + got;
    const std::size_t answered = bench::answer_lines(buffer.data(), filled, kept);
    for (std::size_t sent = 0; sent < answered;) {
      sent += static_cast<std::size_t>(socket().sendBytes(buffer.data() + sent, static_cast<int>(answered - sent)));
    }
    std::memmove(buffer.data(), buffer.data() + answered, filled - answered);
    return filled - answered;
  }
};

}  // namespace

int main(int argc, char** argv) {
  longest_line = bench::buffer_size(argc, argv);
  auto* params = new Poco::Net::TCPServerParams;  // the server takes it
  params->setMaxThreads(kMaxThreads);
  params->setMaxQueued(kMaxThreads);
  Poco::ThreadPool threads(2, kMaxThreads);
  const Poco::Net::ServerSocket listener(Poco::Net::SocketAddress("127.0.0.1", 0), bench::kBacklog);
  Poco::Net::TCPServer server(new Poco::Net::TCPServerConnectionFactoryImpl<Connection>, threads, listener, params);
  server.start();
  std::printf("port %d\n", static_cast<int>(server.port()));
  std::fflush(stdout);
  for (;;) pause();
}
