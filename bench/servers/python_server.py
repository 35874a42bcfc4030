"""Python's socketserver: a thread for each connection. Usage: python_server.py [buffer bytes]"""

import socketserver
import sys


class Handler(socketserver.StreamRequestHandler):
    rbufsize = int(sys.argv[1]) if len(sys.argv) > 1 else 4096
    disable_nagle_algorithm = True

    def handle(self):
        try:
            for line in self.rfile:
                self.wfile.write(line.upper())
        except ConnectionError:
            pass  # the peer went away, which ends this connection alone


class Server(socketserver.ThreadingTCPServer):
    request_queue_size = 4096
    daemon_threads = True


with Server(("127.0.0.1", 0), Handler) as server:
    print("port", server.server_address[1], flush=True)
    server.serve_forever(poll_interval=60)
