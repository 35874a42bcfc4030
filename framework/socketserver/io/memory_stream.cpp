#include <socketserver/io/memory_stream.hpp>

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <socketserver/base/detail/wait_list.hpp>

namespace socketserver {
namespace {

std::error_code error(std::errc code) { return std::make_error_code(code); }

}  // namespace

// What one side has yet to receive. Shared, because in a pair the other side writes to it.
struct MemoryStream::Inbox {
  std::mutex mutex;
  detail::WaitList changed;  // guarded by mutex, as is all below
  std::deque<PeerStep> steps;
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

  std::optional<IoResult> next_step(std::span<std::byte> into, Deadline deadline, Wait wait);
  bool pause(PeerStep& step, Deadline deadline);
};

MemoryStream::MemoryStream(std::unique_ptr<State> state) : state_(std::move(state)) {}

MemoryStream::MemoryStream(std::string_view input) : MemoryStream({PeerStep(std::string(input))}) {}

MemoryStream::MemoryStream(std::initializer_list<PeerStep> script) : state_(std::make_unique<State>()) {
  state_->in->steps.assign(script.begin(), script.end());
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
  std::string all;
  for (const PeerStep& step : state_->in->steps) all += step.bytes;
  return all;
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

/// Lets the silence pass as far as the deadline allows. @returns false if the deadline came first.
bool MemoryStream::State::pause(PeerStep& step, Deadline deadline) {
  const Duration patience = deadline.remaining(clock);
  if (step.length <= patience && step.length != Duration::max()) {
    clock.advance(step.length);
    return true;
  }
  if (deadline.is_never()) throw std::logic_error("MemoryStream: a pause past the deadline, but the reader has none");
  clock.advance(patience);
  if (step.length != Duration::max()) step.length -= patience;
  return false;
}

/// Plays the next step of a non-empty inbox, whose lock is held. @returns nullopt if the reader should look again.
std::optional<IoResult> MemoryStream::State::next_step(std::span<std::byte> into, Deadline deadline, Wait wait) {
  PeerStep& step = in->steps.front();
  switch (step.kind) {
    case PeerStep::Kind::chunk: {
      const std::size_t bytes = std::min(into.size(), step.bytes.size());
      std::memcpy(into.data(), step.bytes.data(), bytes);
      step.bytes.erase(0, bytes);
      if (step.bytes.empty()) in->steps.pop_front();
      if (bytes == 0 && !into.empty()) return std::nullopt;
      return IoResult{bytes, {}};
    }
    case PeerStep::Kind::pause: {
      if (in->draining && wait == Wait::message) return IoResult{};
      const bool passed = pause(step, deadline);
      if (passed || step.length == Duration::max()) in->steps.pop_front();
      if (passed) return std::nullopt;
      return IoResult{0, error(std::errc::timed_out)};
    }
    case PeerStep::Kind::reset: return IoResult{0, error(std::errc::connection_reset)};
    case PeerStep::Kind::eof: break;
  }
  return IoResult{};
}

IoResult MemoryStream::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  Inbox& in = *state_->in;
  std::unique_lock lock(in.mutex);
  for (;;) {
    if (in.closed) return {0, error(std::errc::bad_file_descriptor)};
    if (in.aborted) return {0, error(std::errc::connection_aborted)};
    if (!in.steps.empty()) {
      if (const auto result = state_->next_step(into, deadline, wait)) return *result;
      continue;
    }
    if (in.complete || (in.draining && wait == Wait::message)) return {};
    if (!in.changed.wait(lock, deadline) && in.steps.empty()) return {0, error(std::errc::timed_out)};
  }
}

IoResult MemoryStream::write_some(std::span<const std::byte> bytes, Deadline /*memory never waits*/) {
  if (closed()) return {0, error(std::errc::bad_file_descriptor)};
  const std::lock_guard lock(state_->mutex);
  if (state_->write_closed) return {0, error(std::errc::broken_pipe)};
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  state_->writes.push_back(text);
  if (state_->out) state_->out->update([&text](Inbox& out) { out.steps.emplace_back(std::move(text)); });
  return {bytes.size(), {}};
}

}  // namespace socketserver
