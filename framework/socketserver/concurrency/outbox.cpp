#include <socketserver/concurrency/outbox.hpp>

#include <socketserver/concurrency/outbox_core.hpp>
#include <utility>

namespace socketserver {

Outbox::Outbox(Stream& out, const OutboxOptions& options) : core_(std::make_shared<detail::OutboxCore>(out, options)) {}

Outbox::~Outbox() { core_->close(); }

bool Outbox::post(std::string_view message) { return post(std::make_shared<const std::string>(message)); }

bool Outbox::post(SharedMessage message) {
  const auto queued = core_->enqueue(std::move(message));
  if (queued.push) core_->push();
  return queued.taken;
}

bool Outbox::flush(Deadline deadline) { return core_->flush(deadline); }
bool Outbox::flush() { return core_->flush(core_->write_deadline()); }
bool Outbox::open() const noexcept { return core_->open(); }
std::size_t Outbox::waiting() const noexcept { return core_->waiting(); }
std::uint64_t Outbox::dropped() const noexcept { return core_->dropped(); }

}  // namespace socketserver
