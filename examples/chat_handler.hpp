#pragma once
// A chat room that the handlers share: the first line is a name, each further one goes to everybody else.

#include <cstddef>
#include <mutex>
#include <set>
#include <socketserver/socketserver.hpp>
#include <string>
#include <string_view>

namespace ss = socketserver;

class Room {
 public:
  // A name belongs to one member at a time.
  bool take_name(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return names_.insert(name).second;
  }
  void give_back(const std::string& name) {
    const std::lock_guard lock(mutex_);
    names_.erase(name);
  }
  std::size_t members() const {
    const std::lock_guard lock(mutex_);
    return names_.size();
  }
  // A member that does not read does not block the others: its outbox fills, and then its connection ends.
  ss::Broadcast everybody;

 private:
  mutable std::mutex mutex_;  // nothing waits while it is held, so it need not be an ss::Mutex
  std::set<std::string> names_;
};

class ChatHandler : public ss::StreamRequestHandler {
 public:
  explicit ChatHandler(Room& room) : room_(room) {}
  static bool speaks_first() { return true; }

 protected:
  void handle() override {
    wfile() << "Your name?\n";
    const std::string name = shown(rfile().readline().value_or(""));
    if (name.empty() || !room_.take_name(name)) return void(wfile() << "Not that one.\n");
    name_ = name;  // from here on finish() gives it back, also after an error
    ss::Outbox outbox(request());
    auto membership = room_.everybody.join(outbox);
    room_.everybody.post(name + " has joined\n", &outbox);
    outbox.post("Welcome, " + name + ".\n");
    while (const auto line = rfile().readline()) {
      room_.everybody.post(name + ": " + shown(*line) + "\n", &outbox);
    }
    membership.leave();
    outbox.flush();
  }
  void finish() override {
    if (name_.empty()) return;
    room_.give_back(name_);
    room_.everybody.post(name_ + " has left\n");
  }

 private:
  // As it may go to the others' terminals.
  static std::string shown(std::string_view line) { return ss::escaped(ss::strip(line), kLongest); }
  static constexpr std::size_t kLongest = 65536;

  Room& room_;
  std::string name_;  // once joined
};
