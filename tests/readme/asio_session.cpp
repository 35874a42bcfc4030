// Lines in upper case by Asio's callbacks, on one thread: the other side of docs/asio.md.

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>

using asio::ip::tcp;
using namespace std::chrono_literals;

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void read() {
    start_timer(60s);
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, 65536), '\n',
                           [self = shared_from_this()](std::error_code error, std::size_t bytes) {
                             if (error) return void(self->timer_.cancel());
                             self->write(bytes);
                           });
  }

 private:
  void write(std::size_t bytes) {
    output_.assign(input_, 0, bytes);
    input_.erase(0, bytes);
    for (char& c : output_) c = 'a' <= c && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    start_timer(30s);
    asio::async_write(socket_, asio::buffer(output_), [self = shared_from_this()](std::error_code error, std::size_t) {
      if (error) return void(self->timer_.cancel());
      self->read();
    });
  }

  void start_timer(std::chrono::seconds time) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this()](std::error_code error) {
      // A timer that had already expired when it was set again also completes without an error.
      if (!error && self->timer_.expiry() <= std::chrono::steady_clock::now()) self->socket_.close(error);
    });
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  std::string input_;
  std::string output_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](std::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Session>(std::move(socket))->read();
    accept(acceptor);
  });
}

int main() {
  asio::io_context loop(1);
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  std::cerr << "listening on " << acceptor.local_endpoint() << ", one thread\n";
  accept(acceptor);
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([&loop](std::error_code, int) { loop.stop(); });
  loop.run();
}
