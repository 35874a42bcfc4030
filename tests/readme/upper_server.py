import socketserver


class UpperHandler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


if __name__ == "__main__":
    with socketserver.TCPServer(("127.0.0.1", 0), UpperHandler) as server:
        print(server.server_address, flush=True)
        server.serve_forever()
