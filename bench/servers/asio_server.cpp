// Asio with callbacks on one thread: async_read_some and async_write, one of each for a batch of input.
// Usage: asio_server [buffer bytes]

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "server.hpp"

namespace {

using asio::ip::tcp;

// Each pending operation owns the connection; when none is left, it is gone. That is Asio's own pattern.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::size_t buffer) : socket_(std::move(socket)), buffer_(buffer) {}

  void read() {
    if (kept_ == buffer_.size()) return;  // the line is too long
    socket_.async_read_some(asio::buffer(buffer_.data() + kept_, buffer_.size() - kept_),
                            [self = shared_from_this()](std::error_code error, std::size_t got) {
                              if (!error) self->answer(got);
                            });
  }

 private:
  void answer(std::size_t got) {
    const std::size_t filled = kept_ + got;
    const std::size_t answered = bench::answer_lines(buffer_.data(), filled, kept_);
    kept_ = filled - answered;
    if (answered == 0) return read();
    asio::async_write(socket_, asio::buffer(buffer_.data(), answered),
                      [self = shared_from_this(), answered](std::error_code error, std::size_t) {
                        if (error) return;
                        std::memmove(self->buffer_.data(), self->buffer_.data() + answered, self->kept_);
                        self->read();
                      });
  }

  tcp::socket socket_;
  std::vector<char> buffer_;
  std::size_t kept_ = 0;  // bytes of a line whose end has not come yet
};

void accept(tcp::acceptor& acceptor, std::size_t buffer) {
  acceptor.async_accept([&acceptor, buffer](std::error_code error, tcp::socket socket) {
    if (!error) {
      bench::set_nodelay(socket.native_handle());
      std::make_shared<Connection>(std::move(socket), buffer)->read();
    }
    accept(acceptor, buffer);
  });
}

}  // namespace

int main(int argc, char** argv) {
  asio::io_context loop(1);  // one thread runs it: Asio leaves out what several would need
  tcp::acceptor acceptor(loop, tcp::v4(), bench::listen_on_loopback());
  bench::announce(acceptor.native_handle());
  accept(acceptor, bench::buffer_size(argc, argv));
  loop.run();
}
