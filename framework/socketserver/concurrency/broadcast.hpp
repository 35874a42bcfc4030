#pragma once
// Messages to many connections at once: what a chat room, a ticker or a game sends.

#include <cstddef>
#include <memory>
#include <socketserver/base/visibility.hpp>
#include <socketserver/concurrency/outbox.hpp>
#include <string_view>

namespace SOCKETSERVER_PUBLIC socketserver {

/// A set of outboxes, one for each member connection. A member that does not read does not delay the others: its outbox
/// fills, and then acts as its OutboxOptions say.
/// Threads: safe to share. It may be destroyed before its memberships.
class Broadcast {
  struct Members;

 public:
  /// Ends when it is destroyed, or by leave(). Threads: the owner.
  class [[nodiscard]] Membership {
   public:
    /// An empty membership.
    Membership() noexcept = default;
    /// Leaves the other one empty.
    Membership(Membership&& other) noexcept;
    /// Leaves its own broadcast first. The other one is empty afterwards.
    Membership& operator=(Membership&& other) noexcept;
    ~Membership() { leave(); }
    /// Later posts do not reach the outbox; one that is under way may. Safe to call twice.
    void leave() noexcept;

   private:
    friend class Broadcast;
    Membership(std::shared_ptr<Members> members, std::shared_ptr<detail::OutboxCore> outbox) noexcept;

    std::shared_ptr<Members> members_;
    std::shared_ptr<detail::OutboxCore> outbox_;
  };

  Broadcast();
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;
  ~Broadcast();

  /// Adds an outbox, which may end before its membership does.
  Membership join(Outbox& outbox);

  /// Posts to all members. The order of concurrent posts is the same for every member. Never waits, never suspends a
  /// fiber; no lock is held while anything is sent.
  /// @param except  the one that is left out, such as the speaker's; null for none.
  /// @returns the number of outboxes that have taken the message.
  /// @throws std::bad_alloc  and no member gets it.
  std::size_t post(std::string_view message, const Outbox* except = nullptr);
  /// The same without a copy.
  std::size_t post(const SharedMessage& message, const Outbox* except = nullptr);

  /// The number of members.
  std::size_t members() const noexcept;

 private:
  std::shared_ptr<Members> members_;  // shared with the memberships
};

}  // namespace socketserver
