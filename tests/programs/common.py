"""Starts the built servers and talks to them with Python's own sockets. Every wait is bounded."""

import contextlib
import errno
import fcntl
import json
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

BINARIES, SOURCE = sys.argv[1], sys.argv[2]
PATIENCE = 30  # seconds; no test depends on how much of it is used
THREAD_SANITIZED = "TSAN_OPTIONS" in os.environ
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ  # needs memory and descriptors of its own
POLICIES = ("inline", "thread", "pool", "fiber")
LISTENING = r"listening on (\S+):(\d+)(?: \(\w+\))?,"
CONFIG = pathlib.Path(SOURCE, "config")
SCHEMA = CONFIG / "server.schema.json"
CONFIGURATIONS = sorted(set(CONFIG.glob("*.json")) - {SCHEMA})


def eventually(holds, patience=PATIENCE):
    """Waits until it holds. @returns whether it did."""
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def binary(name):
    return os.path.join(BINARIES, name)


@contextlib.contextmanager
def listening(backlog=5):
    """A listening socket, which a test accepts from itself, and its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(backlog)
        listener.settimeout(PATIENCE)
        yield listener, str(listener.getsockname()[1])


@contextlib.contextmanager
def refusing():
    """A bound port without a listener, which no other process can get meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield str(bound.getsockname()[1])


def run(name, *arguments):
    """Runs a program that is to end by itself."""
    return subprocess.run([binary(name), *arguments], capture_output=True, text=True, timeout=PATIENCE)


class Server:
    """A server on a free port of 127.0.0.1, unless the arguments say otherwise."""

    def __init__(self, name, *arguments, before=(), wait=True, descriptors=None, environment=None, log_file=None,
                 read_on=True, folder=None):
        """descriptors: the soft and hard limit on them. environment: what is added to it. log_file: where it logs,
        regardless of its configuration; else to standard error. read_on: whether that is read once it listens.
        folder: where it is started."""
        command = [*before, binary(name), "--host", "127.0.0.1", "--port", "0", *arguments]
        command += set_key("/log/file", log_file) if log_file else []

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)

        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})}, preexec_fn=descriptors and limit,
                                        cwd=folder)
        self.lines, self.address, self.pid, self._read_on = [], None, self.process.pid, read_on
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if wait and log_file:
            self._found_address(self.wait_for_text(log_file, LISTENING))
        elif wait:
            self.wait_for_line(LISTENING)
        if before:  # the server is the child of the program that watches it
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
                self.pid = int(children.read().split()[0])

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                found = re.search(LISTENING, line)
                if found:
                    self._found_address(found)
                self._changed.notify_all()
            if found and not self._read_on:
                return
        with self._changed:
            self.lines.append(None)  # the end
            self._changed.notify_all()

    def _found_address(self, found):
        self.address = self.address or (found[1].strip("[]"), int(found[2]))  # the first entry's

    def wait_for_text(self, path, pattern):
        """Waits until a file that the server writes has this. @returns the match."""
        found = None

        def look():
            nonlocal found
            ended = self.process.poll() is not None  # asked first: what it wrote at last counts
            found = os.path.exists(path) and re.search(pattern, pathlib.Path(path).read_text())
            return found or ended
        eventually(look)
        if found:
            return found
        self.process.kill()
        raise AssertionError(f"nothing like {pattern!r} in {path}; {self.lines}")

    def wait_for_line(self, pattern, after=0):
        """Waits for a line of the log after the first `after`. @returns the match."""
        def look():
            for line in self.lines[after:]:
                found = line is not None and re.search(pattern, line)
                if found:
                    return found
            return "ended" if None in self.lines else None
        with self._changed:
            found = self._changed.wait_for(look, PATIENCE)
        if not found or found == "ended":
            self.process.kill()
            raise AssertionError(f"no line like {pattern!r} in {self.lines}")
        return found

    def connect(self):
        return Client(self.address)

    def ask(self, line):
        with self.connect() as client:
            return client.ask(line)

    def counted(self, name):
        """@returns a counter, as SIGUSR1 has the server write it."""
        known = len(self.lines)
        self.signal(signal.SIGUSR1)
        return int(self.wait_for_line(rf"counted: .*\b{name} ([0-9]+)", known)[1])

    def signal(self, number=signal.SIGTERM):
        os.kill(self.pid, number)

    def wait(self):
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def stop(self):
        self.signal()
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        """A test that has not ended the server has this look at how it ends: a sanitizer's findings count, too."""
        try:
            if self.process.poll() is None and error is None:
                equal(self.stop(), 0)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()


class Client:
    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def line(self):
        return self.file.readline().decode().rstrip("\n")

    def ask(self, line):
        self.send(line + "\n")
        return self.line()

    def rest(self):
        """What comes until EOF; None if the connection was reset."""
        try:
            return self.file.read()
        except ConnectionError:
            return None

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
            raise ConnectionResetError("the server has reset it already") from error

    def close(self):
        self.file.close()
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def received_by(client):
    """Whether the peer's kernel has acknowledged all that was sent. Source: tcp(7), SIOCOUTQ."""
    unsent = fcntl.ioctl(client.socket, termios.TIOCOUTQ, bytes(4))
    return unsent == bytes(4)


def set_key(pointer, value):
    return ["--set", f"{pointer}={json.dumps(value)}"]


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(part) for part in what))


def equal(got, expected):
    check(got == expected, f"got {got!r}, expected {expected!r}")


def main(tests):
    """Runs the functions that are given, or those of them that the command line names after the folders, and says which
    failed; else the figure that a test returns."""
    named = [argument for argument in sys.argv[3:] if argument.startswith("test_")]
    tests = [test for test in tests if not named or test.__name__ in named]
    failed = 0
    for test in tests:
        try:
            figure = test()
            print("ok    ", test.__name__ + (f": {figure}" if figure else ""))
        except Exception as error:  # each failure is reported; the others still run
            failed += 1
            print("FAILED", test.__name__, type(error).__name__, error)
    print(f"{len(tests) - failed} of {len(tests)} passed")
    sys.exit(1 if failed or not tests else 0)


def tests_of(module):
    return [value for name, value in vars(module).items() if name.startswith("test_")]
