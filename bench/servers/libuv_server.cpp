// libuv on one thread: a write goes out at once where the kernel takes it, and is queued where not.
// Usage: libuv_server [buffer bytes]

#include <uv.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "server.hpp"

namespace {

std::size_t longest_line = 0;  // set once, before the loop runs

struct Connection {
  uv_tcp_t handle = {};
  uv_write_t write = {};
  std::vector<char> buffer = std::vector<char>(longest_line);
  std::size_t kept = 0;      // bytes of a line whose end has not come yet
  std::size_t answered = 0;  // bytes in front of them that a queued write still needs
};

uv_stream_t* stream_of(Connection& connection) { return reinterpret_cast<uv_stream_t*>(&connection.handle); }
Connection& connection_of(const uv_handle_t* handle) { return *static_cast<Connection*>(handle->data); }
Connection& connection_of(const uv_stream_t* stream) { return *static_cast<Connection*>(stream->data); }

void end(Connection& connection) {
  auto* handle = reinterpret_cast<uv_handle_t*>(&connection.handle);
  if (uv_is_closing(handle) != 0) return;
  uv_close(handle, [](uv_handle_t* closed) { delete &connection_of(closed); });
}

void start_reading(Connection& connection);

void move_kept(Connection& connection) {
  std::memmove(connection.buffer.data(), connection.buffer.data() + connection.answered, connection.kept);
  if (connection.kept == connection.buffer.size()) end(connection);  // the line is too long
}

void queue_rest(Connection& connection, std::size_t sent) {
  uv_read_stop(stream_of(connection));
  uv_buf_t rest = uv_buf_init(connection.buffer.data() + sent, static_cast<unsigned>(connection.answered - sent));
  uv_write(&connection.write, stream_of(connection), &rest, 1, [](uv_write_t* done, int status) {
    Connection& written = connection_of(done->handle);
    if (status < 0) return end(written);
    move_kept(written);
    start_reading(written);
  });
}

void answer(Connection& connection, std::size_t got) {
  const std::size_t filled = connection.kept + got;
  connection.answered = bench::answer_lines(connection.buffer.data(), filled, connection.kept);
  connection.kept = filled - connection.answered;
  if (connection.answered == 0) return move_kept(connection);
  const uv_buf_t all = uv_buf_init(connection.buffer.data(), static_cast<unsigned>(connection.answered));
  const int sent = uv_try_write(stream_of(connection), &all, 1);
  if (sent < 0 && sent != UV_EAGAIN) return end(connection);
  const std::size_t done = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  if (done < connection.answered) return queue_rest(connection, done);
  move_kept(connection);
}

void give_room(uv_handle_t* handle, std::size_t, uv_buf_t* room) {
  Connection& connection = connection_of(handle);
  *room = uv_buf_init(connection.buffer.data() + connection.kept,
                      static_cast<unsigned>(connection.buffer.size() - connection.kept));
}

void start_reading(Connection& connection) {
  uv_read_start(stream_of(connection), give_room, [](uv_stream_t* stream, ssize_t got, const uv_buf_t*) {
    if (got < 0) return end(connection_of(stream));
    if (got > 0) answer(connection_of(stream), static_cast<std::size_t>(got));
  });
}

void accept(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto connection = std::make_unique<Connection>();
  uv_tcp_init(listener->loop, &connection->handle);
  connection->handle.data = connection.get();
  Connection& accepted = *connection.release();  // the handle owns it, until its close callback
  if (uv_accept(listener, stream_of(accepted)) != 0) return end(accepted);
  uv_tcp_nodelay(&accepted.handle, 1);
  start_reading(accepted);
}

}  // namespace

int main(int argc, char** argv) {
  longest_line = bench::buffer_size(argc, argv);
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  const int descriptor = bench::listen_on_loopback();
  uv_tcp_init(loop, &listener);
  if (uv_tcp_open(&listener, descriptor) != 0) return EXIT_FAILURE;
  if (uv_listen(reinterpret_cast<uv_stream_t*>(&listener), bench::kBacklog, accept) != 0) return EXIT_FAILURE;
  bench::announce(descriptor);
  return uv_run(loop, UV_RUN_DEFAULT);
}
