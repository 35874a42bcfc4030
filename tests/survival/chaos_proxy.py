"""A network that misbehaves, from a seed: between real clients and a real server, each connection gets its own mixture of
delays, small pieces, a slow line, half-closes that are passed on, and now and then a reset."""

import random
import socket
import struct
import threading
import time

RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing resets


class ChaosProxy:
    """Listens on a free port of 127.0.0.1 while it is entered. The nth connection's behaviour depends on the seed and n
    alone. Counts those that it has reset as the dice would have it, and those that a side broke off by itself."""

    def __init__(self, target, seed, resets=0.4):
        self.target, self.seed, self.resets = target, seed, resets
        self.reset_connections = self.broken_connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = self._listener.getsockname()
        self._lock = threading.Lock()
        self._lines, self._threads = set(), []

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *error):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            left = list(self._lines)
        for line in left:
            line.end("left")
        for thread in self._threads:
            thread.join(30)

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        number = 0
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.target, timeout=30)
            except OSError:
                return
            server.settimeout(None)
            number += 1
            line = _Line(self, number, client, server)
            with self._lock:
                self._lines.add(line)
            self._start(line.pump, client, server)
            self._start(line.pump, server, client)

    def forget(self, line, how):
        with self._lock:
            self._lines.discard(line)
            self.reset_connections += how == "reset"
            self.broken_connections += how == "broken"


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy, number, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        dice = random.Random(f"{proxy.seed}/{number}")
        self.piece = dice.choice((1, 7, 100, 65536))  # bytes passed on at a time, at most
        self.delay = dice.choice((0, 0, 0.001, 0.01))  # seconds before each piece
        # Bytes of one direction after which it is reset: as often at some tens as at some thousands.
        self.reset_after = int(2 ** dice.uniform(0, 17)) if dice.random() < proxy.resets else None
        self.reset_source = dice.choice((client, server))
        self.half_closed = 0
        self.is_over = False
        self.lock = threading.Lock()

    def pump(self, source, sink):
        room = self.reset_after if source is self.reset_source else None  # bytes until the reset
        try:
            while data := source.recv(65536):
                piece = max(self.piece, len(data) // 100)
                while data:
                    if self.delay:
                        time.sleep(self.delay)
                    now, data = data[:piece], data[piece:]
                    if room is not None and room <= len(now):
                        sink.sendall(now[:room])
                        return self.end("reset")
                    if room is not None:
                        room -= len(now)
                    sink.sendall(now)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # one side is gone, so the other learns of it
            return self.end("broken")
        with self.lock:
            self.half_closed += 1
            whole = self.half_closed == 2
        if whole:
            self.end("whole")

    def end(self, how):
        with self.lock:
            if self.is_over:
                return
            self.is_over = True
        self.proxy.forget(self, how)
        for one in (self.client, self.server):
            if how != "whole":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            _close(one)


def _close(one):
    try:
        one.shutdown(socket.SHUT_RD)  # wakes the thread that reads
    except OSError:
        pass
    one.close()
