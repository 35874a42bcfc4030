#!/usr/bin/env python3
"""What our headers cost a user's compiler: a file with tcp_server.hpp and stream_request_handler.hpp against one with
the standard headers that any such file has. Interleaved; prints the median of the pairs' ratios.

Usage: bench/compile_time.py [compiler [rounds]]   Exits with 1 if the median is above 2.
"""

import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STANDARD = "".join(f"#include <{name}>\n" for name in
                   ("string", "functional", "memory", "chrono", "optional", "span", "system_error"))
OURS = "#include <socketserver/server/tcp_server.hpp>\n#include <socketserver/handlers/stream_request_handler.hpp>\n"
HANDLER = """class H : public socketserver::StreamRequestHandler {
  void handle() override {}
};
int main() { socketserver::TCPServer<H> server{socketserver::ServerConfig{}}; }
"""
LIMIT = 2.0


def seconds(compiler, text):
    command = [compiler, "-std=c++20", "-c", "-o", "/dev/null", "-x", "c++", "-", f"-I{ROOT}/framework",
               f"-I{ROOT}/handlers"]
    start = time.monotonic()
    subprocess.run(command, input=text, text=True, check=True)
    return time.monotonic() - start


def main():
    compiler = sys.argv[1] if len(sys.argv) > 1 else "g++"
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    pairs = []
    for _ in range(rounds):
        pairs.append((seconds(compiler, STANDARD + "int main() {}\n"), seconds(compiler, OURS + HANDLER)))
    ratios = [ours / standard for standard, ours in pairs]
    middle = statistics.median(ratios)
    print(f"{compiler}: standard headers {statistics.median(a for a, _ in pairs):.2f} s, a server "
          f"{statistics.median(b for _, b in pairs):.2f} s; ratio {middle:.2f} (from {min(ratios):.2f} to {max(ratios):.2f}, "
          f"{rounds} rounds)")
    sys.exit(1 if middle > LIMIT else 0)


main()
