#include <socketserver/tls/tls_stream.hpp>

#include <atomic>
#include <mutex>
#include <socketserver/tls/ciphertext_sender.hpp>
#include <socketserver/tls/info_of.hpp>
#include <socketserver/tls/tls_session.hpp>
#include <socketserver/wait/detail/wait_list.hpp>

namespace socketserver {
namespace {

using detail::TlsStep;
using Lock = std::unique_lock<std::mutex>;

// A read takes what is there, also past its deadline. A peer that never stops sending records without content, as key
// updates, must not last longer than that.
constexpr int kReadsPastDeadline = 16;

}  // namespace

// The reader is the only one that reads the stream below, once the handshake is complete; until then it is the one that
// drives the handshake, reader or sender. The mutex guards the session, and is never held while anything waits.
struct TlsStream::State {
  State(std::unique_ptr<Stream> own, Stream& stream, const TlsContext& made_from, std::string name)
      : owned(std::move(own)), below(stream), context(made_from), session(*context.state_, std::move(name)) {}

  IoResult handshake(Deadline deadline);
  IoResult drive_handshake(Lock& lock, Deadline deadline);
  IoResult end_handshake(Lock& lock, Deadline deadline);
  IoResult fill(Lock& lock, Deadline deadline, Wait wait);
  IoResult read(std::span<std::byte> into, Deadline deadline, Wait wait);
  IoResult at_end_below();
  Wait wait_below(Wait wait) const;

  const std::unique_ptr<Stream> owned;  // null if the caller owns it
  Stream& below;
  const TlsContext context;
  std::atomic<bool> ready{false};  // the handshake is complete, and what it put out was sent
  std::atomic<bool> local_end{false};
  mutable std::mutex mutex;
  detail::TlsSession session;  // guarded by mutex, as is all below
  detail::CiphertextSender sender{below, session.output()};
  bool driven = false;  // one reader or sender is at work on the handshake
  detail::WaitList handshake_over;
  bool ended = false;         // close_notify was put out
  bool peer_ended = false;    // the peer's was read
  std::error_code failure{};  // what every later read returns
};

TlsStream::TlsStream(Stream& below, const TlsContext& context, std::string server_name)
    : state_(std::make_unique<State>(nullptr, below, context,
                                     server_name.empty() ? context.server_name() : std::move(server_name))) {
  set_timeouts(below.timeouts());
}

TlsStream::TlsStream(std::unique_ptr<Stream> below, const TlsContext& context, std::string server_name) {
  Stream& stream = *below;
  state_ = std::make_unique<State>(std::move(below), stream, context,
                                   server_name.empty() ? context.server_name() : std::move(server_name));
  set_timeouts(stream.timeouts());
}

TlsStream::TlsStream(std::unique_ptr<Stream> below, const TlsContext& context, std::string server_name,
                     Deadline handshake_until)
    : TlsStream(std::move(below), context, std::move(server_name)) {
  const IoResult result = handshake(handshake_until);
  if (result.error) throw_stream_error(result);
}

TlsStream::~TlsStream() = default;

// --- the handshake

IoResult TlsStream::State::handshake(Deadline deadline) {
  if (ready) return {};
  Lock lock(mutex);
  while (driven) {
    if (!handshake_over.wait(lock, detail::on_steady_clock(deadline, below.clock())) && driven) {
      return {0, std::make_error_code(std::errc::timed_out), IoOperation::handshake};
    }
  }
  if (ready) return {};
  driven = true;
  try {
    const IoResult result = drive_handshake(lock, deadline);
    driven = false;
    handshake_over.notify_all();
    return result;
  } catch (...) {  // a script's complaint in a test
    if (!lock.owns_lock()) lock.lock();
    driven = false;
    handshake_over.notify_all();
    throw;
  }
}

IoResult TlsStream::State::drive_handshake(Lock& lock, Deadline deadline) {
  for (;;) {
    if (failure) return {0, failure, IoOperation::handshake};
    const TlsStep step = session.handshake();
    if (step.outcome == TlsStep::Outcome::done) return end_handshake(lock, deadline);
    if (step.outcome != TlsStep::Outcome::wants_input) {
      failure = step.error ? step.error : make_error_code(TlsError::closed);
      sender.flush_now(lock);  // the alert
      return {0, failure, IoOperation::handshake};
    }
    if (const std::error_code error = sender.flush(lock, deadline)) return {0, error, IoOperation::handshake};
    const IoResult filled = fill(lock, deadline, session.input().touched() ? Wait::more : Wait::message);
    if (filled.error) return {0, filled.error, IoOperation::handshake};
    if (filled.bytes > 0) continue;
    const bool drained = below.end_is_local() && !session.input().touched();
    if (drained) return {0, TlsError::drained, IoOperation::handshake};
    failure = session.input().looks_like_tls() ? TlsError::closed : TlsError::not_tls;
  }
}

/// A peer that has sent all it had and is gone may refuse the tickets: what it has sent is still to be read.
IoResult TlsStream::State::end_handshake(Lock& lock, Deadline deadline) {
  const std::error_code error = sender.flush(lock, deadline);
  if (error == std::errc::timed_out) return {0, error, IoOperation::handshake};
  ready = true;
  return {};
}

// --- reading

/// Reads ciphertext once. The lock is given up while it does.
IoResult TlsStream::State::fill(Lock& lock, Deadline deadline, Wait wait) {
  if (session.input().empty() && below.waits_without_buffer()) {
    lock.unlock();
    const IoResult waited = below.wait_some(deadline, wait);
    lock.lock();
    if (waited.error) return waited;
  }
  const std::span<std::byte> room = session.input().room();
  lock.unlock();
  IoResult result;
  try {
    result = below.read_some(room, deadline, wait);
  } catch (...) {
    lock.lock();
    session.input().added(0);
    throw;
  }
  lock.lock();
  session.input().added(result.bytes);
  return result;
}

IoResult TlsStream::State::read(std::span<std::byte> into, Deadline deadline, Wait wait) {
  Lock lock(mutex);
  for (int reads = 0;; ++reads) {
    if (failure) return {0, failure};
    const TlsStep step = session.read(into);
    sender.flush_now(lock);  // an alert, which the failed step has put out
    if (step.outcome == TlsStep::Outcome::done) return {step.bytes, {}};
    if (step.outcome == TlsStep::Outcome::end) {
      peer_ended = true;
      return {};
    }
    if (step.outcome == TlsStep::Outcome::failed) {
      failure = step.error;
      continue;
    }
    if (const std::error_code error = sender.catch_up(lock, deadline)) return {0, error};
    if (reads >= kReadsPastDeadline && deadline.expired(below.clock())) {
      return {0, std::make_error_code(std::errc::timed_out)};
    }
    const IoResult filled = fill(lock, deadline, wait_below(wait));
    if (filled.error) return {0, filled.error};
    if (filled.bytes == 0) return at_end_below();
  }
}

/// A drain ends the wait for a message's first record only.
Wait TlsStream::State::wait_below(Wait wait) const { return session.between_records() ? wait : Wait::more; }

IoResult TlsStream::State::at_end_below() {
  if (below.end_is_local() && session.between_records()) {
    local_end = true;
    return {};
  }
  failure = TlsError::truncated;
  return {0, failure};
}

IoResult TlsStream::read_some(std::span<std::byte> into, Deadline deadline, Wait wait) {
  if (into.empty()) return {};
  if (const IoResult result = state_->handshake(deadline); result.error) {
    state_->local_end = result.error == TlsError::drained;
    return state_->local_end ? IoResult{} : result;
  }
  return state_->read(into, deadline, wait);
}

bool TlsStream::waits_without_buffer() const noexcept { return state_->below.waits_without_buffer(); }

IoResult TlsStream::wait_some(Deadline deadline, Wait wait) {
  if (const IoResult result = state_->handshake(deadline); result.error) {
    return result.error == TlsError::drained ? IoResult{} : result;
  }
  Lock lock(state_->mutex);
  // After a close_notify the connection below may stay open: a wait for its bytes would have no end.
  if (state_->peer_ended || state_->failure || !state_->session.between_records()) return {};
  lock.unlock();
  return state_->below.wait_some(deadline, wait);
}

bool TlsStream::end_is_local() const noexcept { return state_->local_end; }

// --- sending

IoResult TlsStream::write_some(std::span<const std::byte> bytes, Deadline deadline) {
  if (IoResult result = state_->handshake(deadline); result.error) return result;
  Lock lock(state_->mutex);
  // Before more is taken: so at most one record waits here.
  if (const std::error_code error = state_->sender.flush(lock, deadline)) return {0, error, IoOperation::send};
  if (bytes.empty()) return {0, {}, IoOperation::send};
  if (state_->ended) return {0, std::make_error_code(std::errc::broken_pipe), IoOperation::send};
  const TlsStep step = state_->session.write(bytes);
  if (step.outcome != TlsStep::Outcome::done) {
    if (step.error) state_->failure = step.error;
    return {0, step.error ? step.error : std::make_error_code(std::errc::protocol_error), IoOperation::send};
  }
  const std::error_code error = state_->sender.flush(lock, deadline);
  const bool taken = !error || error == std::errc::timed_out;
  return {taken ? step.bytes : 0, error, IoOperation::send};
}

IoResult TlsStream::end_session(Deadline deadline) noexcept {
  try {
    Lock lock(state_->mutex);
    if (!state_->ended && state_->session.established()) {
      state_->session.send_close_notify();
      state_->ended = true;
    }
    return {0, state_->sender.flush(lock, deadline), IoOperation::shutdown};
  } catch (...) {  // no memory, or a script's complaint in a test, which it repeats at its end
    return {0, std::make_error_code(std::errc::not_enough_memory), IoOperation::shutdown};
  }
}

// --- the end

IoResult TlsStream::shutdown_write(Deadline deadline) noexcept {
  const IoResult ended = end_session(deadline);
  const IoResult below = state_->below.shutdown_write(deadline);
  return ended.error ? ended : below;
}

void TlsStream::shutdown(ShutdownHow how) noexcept {
  if (how != ShutdownHow::read) (void)end_session(deadline(timeouts().write));
  state_->below.shutdown(how);
}

void TlsStream::close() noexcept {
  end_sends();
  if (!send_failed()) (void)end_session(Deadline::at_once());
  state_->below.close();
}

void TlsStream::drain() noexcept { state_->below.drain(); }
void TlsStream::abort() noexcept { state_->below.abort(); }
const Clock& TlsStream::clock() const noexcept { return state_->below.clock(); }

// --- what was agreed on

IoResult TlsStream::handshake(Deadline deadline) { return state_->handshake(deadline); }

void TlsStream::do_handshake() {
  const IoResult result = handshake(deadline(timeouts().write));
  if (result.error) throw_stream_error(result);
}

bool TlsStream::established() const noexcept { return state_->ready; }

bool TlsStream::resumed() const {
  const Lock lock(state_->mutex);
  return SSL_session_reused(state_->session.native()) == 1;
}

TlsInfo TlsStream::info() const {
  const Lock lock(state_->mutex);
  return detail::info_of(state_->session.native());
}

}  // namespace socketserver
