"""The servers: how each is started on a core of its own, and found."""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time

PORT = re.compile(r"^port (\d+)$|listening on \S+:(\d+),", re.MULTILINE)
PATIENCE = 10  # seconds for a server to listen, and to end
POOL_MOST = 4096  # workers that the pool can be given; each stays with its connection

SOURCES = pathlib.Path(__file__).resolve().parent.parent / "servers"


class Skipped(Exception):
    """The server cannot take part; the text says why."""


@dataclasses.dataclass(frozen=True)
class Server:
    name: str
    title: str
    policy: str | None = None  # of ours

    def command(self, build, load):
        """@raises Skipped when it is not built or not for this load."""
        if self.policy:
            return self._ours(build, load)
        if self.name == "python":
            return [sys.executable, str(SOURCES / "python_server.py"), str(load.buffer)]
        return [_existing(build / "bench" / "servers" / f"bench_{self.name}_server", self.title), str(load.buffer)]

    def _ours(self, build, load):
        threads = 1
        if self.policy == "pool":
            threads = load.clients
            if threads > POOL_MOST:
                raise Skipped(f"a worker stays with its connection, and there are {POOL_MOST} at most")
        keys = {"/limits/max_connections": 18000, "/limits/read_buffer": load.buffer,
                "/limits/write_buffer": load.buffer, "/limits/max_line": max(65536, load.line_bytes)}
        program = _existing(build / "examples" / "uppercase_server", "uppercase_server")
        return [program, "--host", "127.0.0.1", "--port", "0", "--policy", self.policy, "--threads", str(threads),
                *(word for key, value in keys.items() for word in ("--set", f"{key}={value}"))]


SERVERS = (
    Server("fiber", "ours, fiber", "fiber"),
    Server("pool", "ours, pool", "pool"),
    Server("thread", "ours, thread", "thread"),
    Server("epoll", "hand-written epoll"),
    Server("asio", "Asio callbacks"),
    Server("libuv", "libuv"),
    Server("go", "Go net"),
    Server("poco", "Poco TCPServer"),
    Server("python", "Python socketserver"),
)


def by_names(names):
    """@returns the servers of those names, in their usual order. @raises ValueError for an unknown one."""
    unknown = set(names) - {server.name for server in SERVERS}
    if unknown:
        raise ValueError(f"no such server: {', '.join(sorted(unknown))}; "
                         f"there are {', '.join(s.name for s in SERVERS)}")
    return [server for server in SERVERS if server.name in names]


def _existing(path, what):
    if not path.exists():
        raise Skipped(f"{what} is not built: its package is missing")
    return str(path)


class Running:
    """A server while it runs; a context manager."""

    def __init__(self, server, build, load, core):
        command = server.command(build, load)
        self._log = open(build / f"{server.name}.log", "w+")
        self._process = subprocess.Popen(
            command, stdout=self._log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, "GOMAXPROCS": "1"}, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.pid = self._process.pid
        try:
            self.port = self._wait_for_port(server)
        except BaseException:
            self.__exit__()
            raise

    def _wait_for_port(self, server):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            ended = self._process.poll() is not None
            found = PORT.search(self.output())
            if found:
                return int(found[1] or found[2])
            if ended:
                break
            time.sleep(0.005)
        last = self.output().strip().splitlines()[-1:] or ["nothing was said"]
        raise Skipped(f"{server.title} did not start: {last[0][:160]}")

    def output(self):
        with open(self._log.name) as log:
            return log.read()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
