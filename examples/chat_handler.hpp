#pragma once
// A chat room that the handlers share: the first line is a name, each further one goes to everybody else.

#include <cstddef>
#include <map>
#include <socketserver/socketserver.hpp>
#include <string>
#include <string_view>

namespace ss = socketserver;

class Room {
 public:
  bool join(const std::string& name, ss::Stream& stream) {
    const std::lock_guard lock(mutex_);
    return members_.emplace(name, &stream).second;
  }
  bool leave(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return members_.erase(name) > 0;
  }
  std::size_t members() const {
    const std::lock_guard lock(mutex_);
    return members_.size();
  }
  // A member that does not read holds the room up once, for the write timeout; then its connection ends.
  void say(const std::string& from, const std::string& text) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, stream] : members_) {
      if (name != from) (void)stream->try_sendall(text);
    }
  }

 private:
  mutable ss::Mutex mutex_;  // held while sending, so not a std::mutex, which would stop a fiber's loop
  std::map<std::string, ss::Stream*> members_;  // each until its handler leaves
};

class ChatHandler : public ss::StreamRequestHandler {
 public:
  explicit ChatHandler(Room& room) : room_(room) {}
  static bool speaks_first() { return true; }

 protected:
  void handle() override {
    wfile() << "Your name?\n";
    const std::string name = shown(rfile().readline().value_or(""));
    if (name.empty() || !room_.join(name, request())) return void(wfile() << "Not that one.\n");
    name_ = name;  // from here on finish() takes the member out again, whatever fails
    wfile() << "Welcome, " << name << ".\n";
    room_.say(name, name + " has joined\n");
    while (const auto line = rfile().readline()) room_.say(name, name + ": " + shown(*line) + "\n");
  }
  void finish() override {
    if (name_.empty() || !room_.leave(name_)) return;
    room_.say(name_, name_ + " has left\n");
  }

 private:
  // As it may go to the others' terminals.
  static std::string shown(std::string_view line) { return ss::escaped(ss::strip(line), kLongest); }
  static constexpr std::size_t kLongest = 65536;

  Room& room_;
  std::string name_;  // once joined
};
