#include <socketserver/socketserver.hpp>

namespace ss = socketserver;

struct Scores {
  ss::Mutex mutex;
  ss::ConditionVariable changed;
  int best = 0;
};

int look_up(std::string name);  // asks a database, and blocks

class ScoreHandler : public ss::StreamRequestHandler {
 public:
  explicit ScoreHandler(Scores& scores) : scores_(scores) {}

 protected:
  void handle() override {
    while (const auto line = rfile().readline()) {
      const int score = ss::offload([name = std::string(ss::strip(*line))] { return look_up(name); });
      const std::lock_guard lock(scores_.mutex);
      if (score > scores_.best) {
        scores_.best = score;
        scores_.changed.notify_all();
      }
      wfile() << scores_.best << '\n';
    }
  }

 private:
  Scores& scores_;
};

int look_up(std::string name) { return static_cast<int>(name.size()); }

int main(int argc, char** argv) {
  Scores scores;
  return ss::serve_main<ScoreHandler>(argc, argv, std::ref(scores));
}
