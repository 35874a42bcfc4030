// Forwards each line to another server and answers with its reply: see line_proxy_handler.hpp. Try:
// line_proxy --port 8888 --set '/app={"upstream": {"host": "127.0.0.1", "port": 9999}}'

#include "line_proxy_handler.hpp"

int main(int argc, char** argv) {
  Target target;
  return ss::serve_main<LineProxyHandler>(argc, argv, &target);
}
