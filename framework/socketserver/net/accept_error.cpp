#include <socketserver/net/accept_error.hpp>

#include <cerrno>

namespace socketserver::detail {

AcceptError classify_accept_error(std::error_code error) noexcept {
  switch (error.value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return AcceptError::resource;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT: return AcceptError::fatal;
    // Everything else is about one connection: aborted, or the network's errors. A firewall's EPERM may last.
    default: return AcceptError::transient;
  }
}

}  // namespace socketserver::detail
