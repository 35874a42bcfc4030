#include <socketserver/net/listener_set.hpp>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <socketserver/base/last_error.hpp>
#include <socketserver/base/text.hpp>
#include <stdexcept>

namespace socketserver::detail {
namespace {

constexpr std::size_t kWake = 0;  // places in the WaitSet
constexpr std::size_t kFirst = 1;

FileDescriptor open_spare() noexcept { return FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

ListeningSocket opened(const std::vector<ListenOptions>& listen, std::size_t entry, const SocketOptions& socket) {
  try {
    return ListeningSocket(listen[entry], socket);
  } catch (const std::system_error& error) {
    if (listen.size() == 1) throw;
    // what() has the code's text already, behind its own.
    const std::string all = error.what();
    const std::string own = all.substr(0, all.rfind(": " + error.code().message()));
    const char* const key = listen[entry].path.empty() ? "/port" : "/path";
    throw std::system_error(error.code(), concat("/listen/", entry, key, ": ", own));
  }
}

}  // namespace

ListenerSet::ListenerSet(const std::vector<ListenOptions>& listen, const SocketOptions& socket)
    : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), spare_(open_spare()) {
  if (!wake_) throw_last_error("eventfd");
  if (listen.empty()) throw std::invalid_argument("ServerConfig: listen has no entry");
  waits_.add(wake_.get());
  open_all(listen, socket);
}

void ListenerSet::open_all(const std::vector<ListenOptions>& listen, const SocketOptions& socket) {
  for (std::size_t entry = 0; entry < listen.size(); ++entry) {
    sockets_.push_back(opened(listen, entry, socket));
    addresses_.push_back(sockets_.back().address());
    waits_.add(sockets_.back().native_handle());
  }
}

ListenerSet::Event ListenerSet::wait(bool connections, Deadline deadline) {
  if (!waits_.wait(connections ? kFirst + sockets_.size() : kFirst, deadline)) return Event::timeout;
  if (!waits_.ready(kWake)) return Event::connection;
  waits_.clear(kWake);
  eventfd_t count = 0;
  // Nothing to read: an edge from before another wait read it.
  if (::eventfd_read(wake_.get(), &count) != 0) return wait(connections, deadline);
  return Event::woken;
}

void ListenerSet::wake() noexcept { (void)::eventfd_write(wake_.get(), 1); }

ListenerSet::Accepted ListenerSet::accept() noexcept {
  for (std::size_t tried = 0; tried < sockets_.size(); ++tried) {
    const std::size_t listener = next_;
    next_ = (next_ + 1) % sockets_.size();
    if (!waits_.ready(kFirst + listener)) continue;
    Accepted accepted = accept_from(listener);
    if (accepted.error.value() != EAGAIN) return accepted;
    waits_.clear(kFirst + listener);
  }
  return {.error = std::make_error_code(std::errc::operation_would_block)};
}

ListenerSet::Accepted ListenerSet::accept_from(std::size_t listener) noexcept {
  Accepted accepted = sockets_[listener].accept();
  accepted.listener = listener;
  const int error = accepted.error.value();
  if (error != EMFILE && error != ENFILE) return accepted;
  if (!refuses_new_) {
    turn_one_away(listener);
  } else if (spare_) {
    spare_.reset();
    return accept_from(listener);
  }
  return accepted;
}

void ListenerSet::turn_one_away(std::size_t listener) noexcept {
  spare_.reset();
  FileDescriptor(::accept4(native_handle(listener), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  spare_ = open_spare();
}

void ListenerSet::refuse_new() noexcept {
  refuses_new_ = true;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    sockets_[i].refuse_new();
    waits_.set_ready(kFirst + i);  // also where the last wait found none
  }
}

std::size_t ListenerSet::waiting() noexcept {
  std::size_t sum = 0;
  for (ListeningSocket& socket : sockets_) sum += socket.waiting();
  return sum;
}

void ListenerSet::close() noexcept {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    waits_.replace(kFirst + i, -1);
    sockets_[i].close();
  }
}

void ListenerSet::reopen() {
  try {
    for (ListeningSocket& socket : sockets_) socket.reopen();
  } catch (...) {
    close();
    throw;
  }
  for (std::size_t i = 0; i < sockets_.size(); ++i) waits_.replace(kFirst + i, native_handle(i));
  refuses_new_ = false;
  if (!spare_) spare_ = open_spare();
}

}  // namespace socketserver::detail
