// A chat room: the first line is the member's name, each further one goes to everybody else.
// Handlers share the room, which their constructor gets.

#include <map>
#include <mutex>
#include <socketserver/socketserver.hpp>

namespace {

class Room {
 public:
  bool join(const std::string& name, socketserver::Stream& stream) {
    const std::lock_guard lock(mutex_);
    return members_.emplace(name, &stream).second;
  }

  void leave(const std::string& name) {
    const std::lock_guard lock(mutex_);
    members_.erase(name);
  }

  // A member that does not read holds the room up once, for the write timeout: then its connection is shut down.
  void say(const std::string& from, const std::string& text) {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, stream] : members_) {
      if (name != from) (void)stream->try_sendall(std::as_bytes(std::span(text)));
    }
  }

 private:
  std::mutex mutex_;
  std::map<std::string, socketserver::Stream*> members_;  // each until its handler leaves
};

class ChatHandler : public socketserver::StreamRequestHandler {
 public:
  explicit ChatHandler(Room& room) : room_(room) {}

 protected:
  void handle() override {
    wfile() << "Your name?\n";
    name_ = std::string(socketserver::strip(rfile().readline().value_or("")));
    if (name_.empty() || !room_.join(name_, request())) return void(wfile() << "Not that one.\n");
    joined_ = true;
    room_.say(name_, name_ + " has joined\n");
    while (const auto line = rfile().readline()) room_.say(name_, name_ + ": " + std::string(*line));
  }

  void finish() override {
    if (!joined_) return;
    room_.leave(name_);
    room_.say(name_, name_ + " has left\n");
  }

 private:
  Room& room_;
  std::string name_;
  bool joined_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  Room room;
  return socketserver::serve_main<ChatHandler>(argc, argv, std::ref(room));
}
