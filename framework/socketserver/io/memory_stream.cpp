#include <socketserver/io/memory_stream.hpp>

#include <mutex>
#include <socketserver/io/peer_script.hpp>
#include <socketserver/wait/detail/wait_list.hpp>

namespace socketserver {
namespace {

std::error_code error(std::errc code) { return std::make_error_code(code); }

}  // namespace

// What one side has yet to receive. Shared, because in a pair the other side writes to it.
struct MemoryStream::Inbox {
  std::mutex mutex;
  detail::WaitList changed;  // guarded by mutex, as is all below
  detail::PeerScript peer;
  bool complete = false;  // no more steps will come: EOF after the last
  bool draining = false;
  bool aborted = false;
  bool closed = false;

  template <typename Change>
  void update(Change change) {
    const std::lock_guard lock(mutex);
    change(*this);
    changed.notify_all();
  }
};

struct MemoryStream::State {
  std::shared_ptr<Inbox> in = std::make_shared<Inbox>();
  std::shared_ptr<Inbox> out;  // the other side's inbox; null for a scripted stream
  ManualClock clock;
  mutable std::mutex mutex;
  std::vector<std::string> writes;  // guarded by mutex
  bool write_closed = false;        // guarded by mutex

  std::error_code record(const std::string& bytes);
};

MemoryStream::MemoryStream(std::unique_ptr<State> state) : state_(std::move(state)) {}

MemoryStream::MemoryStream(std::string_view input) : MemoryStream({PeerStep(std::string(input))}) {}

MemoryStream::MemoryStream(std::initializer_list<PeerStep> script) : MemoryStream(std::vector<PeerStep>(script)) {}

MemoryStream::MemoryStream(const std::vector<PeerStep>& script) : state_(std::make_unique<State>()) {
  for (const PeerStep& step : script) state_->in->peer.add(step);
  state_->in->complete = true;
}

MemoryStream::~MemoryStream() { close(); }

std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> MemoryStream::pair() {
  auto left = std::make_unique<State>();
  auto right = std::make_unique<State>();
  left->out = right->in;
  right->out = left->in;
  return {std::unique_ptr<MemoryStream>(new MemoryStream(std::move(left))),
          std::unique_ptr<MemoryStream>(new MemoryStream(std::move(right)))};
}

std::string MemoryStream::written() const {
  std::string all;
  for (const std::string& bytes : writes()) all += bytes;
  return all;
}

std::vector<std::string> MemoryStream::writes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->writes;
}

std::string MemoryStream::unread() const {
  const std::lock_guard lock(state_->in->mutex);
  return state_->in->peer.unread();
}

bool MemoryStream::closed() const {
  const std::lock_guard lock(state_->in->mutex);
  return state_->in->closed;
}

void MemoryStream::shutdown(ShutdownHow how) noexcept {
  if (how != ShutdownHow::write) state_->in->update([](Inbox& in) { in.complete = in.draining = true; });
  if (how == ShutdownHow::read) return;
  const std::lock_guard lock(state_->mutex);
  state_->write_closed = true;
  if (state_->out) state_->out->update([](Inbox& out) { out.complete = true; });
}

void MemoryStream::close() noexcept {
  shutdown(ShutdownHow::write);
  state_->in->update([](Inbox& in) { in.closed = true; });
}

void MemoryStream::drain() noexcept {
  state_->in->update([](Inbox& in) { in.draining = true; });
}

void MemoryStream::abort() noexcept {
  shutdown(ShutdownHow::write);
  state_->in->update([](Inbox& in) { in.aborted = true; });
}

const Clock& MemoryStream::clock() const noexcept {
  if (state_->out) return steady_clock();
  return state_->clock;
}

bool MemoryStream::end_is_local() const noexcept {
  const std::lock_guard lock(state_->in->mutex);
  return state_->in->draining;
}

IoResult MemoryStream::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  Inbox& in = *state_->in;
  std::unique_lock lock(in.mutex);
  for (;;) {
    if (in.closed) return {0, error(std::errc::bad_file_descriptor)};
    if (in.aborted) return {0, error(std::errc::connection_aborted)};
    const bool drained = in.draining && wait == Wait::message;
    if (const auto result = in.peer.read(into, deadline, drained, state_->clock)) return *result;
    if (in.complete || drained) return {};
    if (!in.changed.wait(lock, deadline) && in.peer.over()) return {0, error(std::errc::timed_out)};
  }
}

/// Adds to the record. @returns an error if this direction is closed.
std::error_code MemoryStream::State::record(const std::string& bytes) {
  const std::lock_guard lock(mutex);
  if (write_closed) return error(std::errc::broken_pipe);
  writes.push_back(bytes);
  return {};
}

IoResult MemoryStream::write_some(std::span<const std::byte> bytes, Deadline deadline) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::unique_lock lock(state_->in->mutex);
  if (state_->in->closed) return {0, error(std::errc::bad_file_descriptor)};
  if (!state_->out) {
    if (const std::error_code refused = state_->in->peer.admit(text, deadline, state_->clock)) return {0, refused};
  }
  lock.unlock();
  if (const std::error_code closed = state_->record(text)) return {0, closed};
  if (state_->out) {
    state_->out->update([&text](Inbox& out) { out.peer.add(text); });
  } else {
    state_->in->update([&text](Inbox& in) { in.peer.sent(text); });
  }
  return {bytes.size(), {}};
}

void MemoryStream::verify_script() {
  state_->in->update([](Inbox& in) { in.peer.verify(); });
}

void MemoryStream::ignore_expectations() {
  state_->in->update([](Inbox& in) { in.peer.ignore_expectations(); });
}

void MemoryStream::advance(Duration time) noexcept { state_->clock.advance(time); }

}  // namespace socketserver
