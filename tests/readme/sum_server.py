import socketserver
import struct


class SumHandler(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self):
        while len(record := self.rfile.read(6)) == 6:
            number, addend = struct.unpack("!IH", record)
            self.wfile.write(struct.pack("!Q", number + addend))


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), SumHandler) as server:
        print(server.server_address, flush=True)
        server.serve_forever()
