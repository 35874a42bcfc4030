import socketserver
import threading


class DeskHandler(socketserver.BaseRequestHandler):
    def handle(self):
        name = self.request.recv(1024).strip()
        if name == b"close":
            self.server.is_open = False
            self.request.sendall(b"closed\n")
            return
        with self.server.lock:
            self.server.visitors += 1
            number = self.server.visitors
        self.request.sendall(b"%s is number %d\n" % (name, number))


class DeskServer(socketserver.ThreadingTCPServer):
    is_open = True
    visitors = 0
    lock = threading.Lock()

    def verify_request(self, request, client_address):
        return self.is_open


if __name__ == "__main__":
    with DeskServer(("127.0.0.1", 0), DeskHandler) as server:
        print(server.server_address, flush=True)
        server.serve_forever()
