#include <socketserver/concurrency/broadcast.hpp>

#include <algorithm>
#include <mutex>
#include <socketserver/concurrency/outbox_core.hpp>
#include <string>
#include <utility>
#include <vector>

namespace socketserver {

using detail::OutboxCore;

struct Broadcast::Members {
  std::mutex mutex;  // held while a message is queued for all, which gives all the same order; never while sending
  std::vector<std::shared_ptr<OutboxCore>> outboxes;  // guarded by mutex
};

Broadcast::Membership::Membership(std::shared_ptr<Members> members, std::shared_ptr<OutboxCore> outbox) noexcept
    : members_(std::move(members)), outbox_(std::move(outbox)) {}

Broadcast::Membership::Membership(Membership&& other) noexcept = default;

Broadcast::Membership& Broadcast::Membership::operator=(Membership&& other) noexcept {
  if (this == &other) return *this;
  leave();
  members_ = std::move(other.members_);
  outbox_ = std::move(other.outbox_);
  return *this;
}

void Broadcast::Membership::leave() noexcept {
  if (members_ == nullptr) return;
  {
    const std::lock_guard lock(members_->mutex);
    auto& outboxes = members_->outboxes;
    *std::find(outboxes.begin(), outboxes.end(), outbox_) = std::move(outboxes.back());
    outboxes.pop_back();
  }
  members_.reset();
  outbox_.reset();
}

Broadcast::Broadcast() : members_(std::make_shared<Members>()) {}
Broadcast::~Broadcast() = default;

Broadcast::Membership Broadcast::join(Outbox& outbox) {
  const std::lock_guard lock(members_->mutex);
  members_->outboxes.push_back(outbox.core_);
  return {members_, outbox.core_};
}

std::size_t Broadcast::post(std::string_view message, const Outbox* except) {
  return post(std::make_shared<const std::string>(message), except);
}

std::size_t Broadcast::post(const SharedMessage& message, const Outbox* except) {
  std::size_t taken = 0;
  std::vector<std::shared_ptr<OutboxCore>> to_push;  // those without a sender at present
  {
    const std::lock_guard lock(members_->mutex);
    to_push.reserve(members_->outboxes.size());
    for (const auto& outbox : members_->outboxes) {
      if (except != nullptr && outbox == except->core_) continue;
      const auto queued = outbox->enqueue(message);
      if (queued.taken) ++taken;
      if (queued.push) to_push.push_back(outbox);
    }
  }
  for (const auto& outbox : to_push) outbox->push();
  return taken;
}

std::size_t Broadcast::members() const noexcept {
  const std::lock_guard lock(members_->mutex);
  return members_->outboxes.size();
}

}  // namespace socketserver
