"""Python's clients speak to the built servers, and the built clients to Python's servers."""

import contextlib
import os
import re
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading

from common import PATIENCE, POLICIES, Server, binary, check, equal, listening, main, refusing, run, set_key, tests_of

RECORD = struct.Struct("! I 2s Q 2h f")
VALUES = (1, b"ab", 2, 3, 3, 2.5)
LOGGED = r'record \(1, "ab", 2, 3, 3, 2\.5\)$'


# Python's side.

@contextlib.contextmanager
def python_server(handler):
    """A socketserver of Python's. Gives its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield str(server.server_address[1])
        finally:
            server.shutdown()
            thread.join(PATIENCE)


class UpperCase(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


class Echo(socketserver.BaseRequestHandler):
    """Two plain receives, as a program that knows nothing of coalescing does."""
    received = None

    def handle(self):
        self.request.settimeout(PATIENCE)
        self.request.sendall(self.request.recv(1024))
        data = b""
        while len(data) < RECORD.size:
            part = self.request.recv(RECORD.size - len(data))
            if not part:
                break
            data += part
        type(self).received = RECORD.unpack(data)
        self.request.shutdown(socket.SHUT_WR)


def fails(name, *arguments, status=1):
    """@returns the one line that a client says on standard error."""
    done = run(name, *arguments)
    equal((done.returncode, done.stdout), (status, ""))
    check(done.stderr.startswith(name + ": ") and done.stderr.count("\n") == 1, done.stderr)
    return done.stderr


# Python's clients and our servers.

def test_struct_echo_server_under_every_policy():
    for policy in POLICIES:
        with Server("struct_echo_server", "--policy", policy) as server:
            with server.connect() as client:
                equal(client.ask("data"), "data")
                client.send(RECORD.pack(*VALUES))
                server.wait_for_line(LOGGED)  # before the peer has ended
                client.half_close()
                equal(client.rest(), b"")
            equal(server.stop(), 0)


def test_struct_echo_server_when_all_comes_at_once():
    with Server("struct_echo_server") as server:
        with server.connect() as client:
            client.send(b"data\n" + RECORD.pack(*VALUES))
            client.half_close()
            equal(client.line(), "data")
            server.wait_for_line(LOGGED)
            equal(client.rest(), RECORD.pack(*VALUES))  # what came is echoed
        equal(server.stop(), 0)


def test_struct_echo_server_when_the_record_comes_byte_by_byte():
    with Server("struct_echo_server") as server:
        with server.connect() as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            equal(client.ask("data"), "data")
            for byte in RECORD.pack(*VALUES):
                client.send(bytes([byte]))
            server.wait_for_line(LOGGED)
        equal(server.stop(), 0)


def test_struct_echo_server_says_what_a_short_record_lacks():
    with Server("struct_echo_server") as server:
        with server.connect() as client:
            equal(client.ask("data"), "data")
            client.send(RECORD.pack(*VALUES)[:7])
            client.half_close()
            equal(client.rest(), b"")
            server.wait_for_line(r"127\.0\.0\.1:\d+: the record ends after 7 of 22 bytes$")
        equal(server.stop(), 0)


# Our clients and Python's servers, and both of ours.

def test_uppercase_client_says_that_it_cannot_print():
    with Server("uppercase_server") as server:
        command = [binary("uppercase_client"), "127.0.0.1", str(server.address[1]), "hello"]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        equal((done.returncode, done.stderr), (1, "uppercase_client: cannot write to standard output\n"))
        done = subprocess.run(command, preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
        equal((done.returncode, done.stderr), (1, "uppercase_client: cannot write to standard output\n"))
        equal(server.stop(), 0)


def test_uppercase_client():
    with python_server(UpperCase) as port:
        done = run("uppercase_client", "127.0.0.1", port, "hello\nworld")
        equal((done.returncode, done.stdout, done.stderr), (0, "HELLO\nWORLD", ""))
        equal(run("uppercase_client", "localhost", port, "hello", "--connect-timeout", "5").stdout, "HELLO")
    for name in ("uppercase_server", "raw_uppercase_server"):
        with Server(name) as server:
            equal(run("uppercase_client", "127.0.0.1", str(server.address[1]), "hello").stdout, "HELLO")
            equal(server.stop(), 0)


def test_struct_client_and_python_s_socketserver():
    with python_server(Echo) as port:
        done = run("struct_client", "127.0.0.1", port)
        equal((done.returncode, done.stdout, done.stderr), (0, "data\n", ""))
        equal(Echo.received, VALUES)


def test_struct_client_and_a_plain_socket():
    with listening() as (listener, port):
        client = subprocess.Popen([binary("struct_client"), "127.0.0.1", port, "a text"], stdout=subprocess.PIPE)
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as file:
            equal(file.readline(), b"a text\n")
            connection.sendall(b"a text\n")
            equal(RECORD.unpack(file.read()), VALUES)  # then EOF
        equal(client.communicate(timeout=PATIENCE)[0], b"a text\n")
        equal(client.returncode, 0)


def test_struct_client_and_struct_echo_server_with_every_option():
    with Server("struct_echo_server", "--log-level", "debug") as server:
        done = run("struct_client", "localhost", str(server.address[1]), "text", "--verbose", "--connect-timeout", "7.5",
                   "--io-timeout", "8", "--syn-retries", "1", "--reuse-address", "--no-nodelay", "--receive-buffer",
                   "8192", "--send-buffer", "9000", "--bind", "127.0.0.3")
        equal((done.returncode, done.stdout), (0, "text\n"))
        for pattern in (r"connecting to localhost:\d+: connect timeout 7\.5 s, I/O timeout 8 s",
                        r"127\.0\.0\.1:\d+: SYN retries: 1, so the kernel gives up after 3 s",
                        r"reuse_address yes, nodelay no",
                        r"receive buffer: asked 8192, granted 16384 bytes \(rmem_max \d+\)",
                        r"send buffer: asked 9000, granted 18000 bytes \(wmem_max \d+\)",
                        r"connected from 127\.0\.0\.3:\d+",
                        r"sent 5 bytes: text\\n$", r"received 5 bytes: text\\n$",
                        r"sent 22 bytes: \\x00\\x00\\x00\\x01ab"):
            check(re.search(pattern, done.stderr, re.MULTILINE), pattern, done.stderr)
        server.wait_for_line(LOGGED)
        server.wait_for_line(r"127\.0\.0\.3:\d+: received 5 bytes: text\\n$")
        server.wait_for_line(r"127\.0\.0\.3:\d+: sent 5 bytes: text\\n$")
        equal(server.stop(), 0)


def test_other_clients_on_a_unix_socket():
    with tempfile.TemporaryDirectory() as folder:
        for policy in POLICIES:
            for path, address in ((f"{folder}/lines", f"UNIX-CONNECT:{folder}/lines"),
                                  (f"@socketserver-test-{os.getpid()}", f"ABSTRACT-CONNECT:socketserver-test-{os.getpid()}")):
                listen = set_key("/listen", [{"port": 0, "host": "127.0.0.1"}, {"path": path}])
                with Server("uppercase_server", "--policy", policy, *listen) as server:
                    server.wait_for_line(f"listening on .*{os.path.basename(path)}")
                    commands = [["socat", "-t", str(PATIENCE), "-", address]]
                    if not path.startswith("@"):
                        commands.append(["nc", "-U", "-N", path])
                    for command in commands:
                        done = subprocess.run(command, input="hello\nend", capture_output=True, text=True, timeout=PATIENCE)
                        equal((command[0], policy, done.stdout, done.stderr), (command[0], policy, "HELLO\nEND", ""))


def test_at_debug_a_server_says_what_was_asked_and_granted():
    with Server("uppercase_server", "--log-level", "debug", *set_key("/socket/receive_buffer", 8192),
                *set_key("/listen/backlog", 9)) as server:
        for pattern in (r"listening on 127\.0\.0\.1:\d+", r"receive buffer: asked 8192, granted 16384 bytes \(rmem_max",
                        r"send buffer: the kernel's choice, from \d+ up to \d+ bytes",
                        r"backlog: asked 9, granted 9 \(somaxconn \d+, tcp_max_syn_backlog \d+\)",
                        r"options: reuse_address yes, nodelay yes, reuse_port no, keepalive no",
                        r"I/O timeouts: idle 60 s, read 30 s, write 30 s, lifetime none",
                        r"SYN retries: \d+, so the kernel gives up after \d+ s"):
            server.wait_for_line(pattern)
        equal(server.ask("hello\x1b[2J"), "HELLO\x1b[2J")
        server.wait_for_line(r"received 10 bytes: hello\\x1b\[2J\\n$")
        server.wait_for_line(r"sent 10 bytes: HELLO\\x1b\[2J\\n$")
        server.ask("x" * 3000)
        found = server.wait_for_line(r"sent 3001 bytes: (X+)\.\.\. \(\d+ bytes more\)$")
        equal(len(found[1]), 256)
        equal(server.stop(), 0)


def test_at_info_nothing_is_said_of_the_bytes():
    with Server("uppercase_server") as server:
        equal(server.ask("hello"), "HELLO")
        equal(server.stop(), 0)
        check(not any("hello" in line or "bytes: " in line for line in server.lines if line), server.lines)


# What fails.

def test_clients_that_cannot_connect():
    with refusing() as port:
        for name, data in (("uppercase_client", ["x"]), ("struct_client", [])):
            equal(fails(name, "127.0.0.1", port, *data),
                  f"{name}: cannot connect to 127.0.0.1:{port}: Connection refused\n")
            check("no.such.host.invalid" in fails(name, "no.such.host.invalid", port, *data))
    with listening(0) as (listener, port), socket.create_connection(("127.0.0.1", int(port))):
        for name, data in (("uppercase_client", ["x"]), ("struct_client", [])):
            error = fails(name, "127.0.0.1", port, *data, "--connect-timeout", "0.2")
            check("within the connect timeout of 0.2 s" in error, error)


def test_a_client_whose_server_does_not_answer():
    with listening() as (listener, port):
        error = fails("struct_client", "127.0.0.1", port, "--io-timeout", "0.1")
        check("timed out" in error, error)


def answering(data, received):
    """@returns a handler that reads to the EOF, or one receive, and answers with the data."""
    class Answer(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.settimeout(PATIENCE)
            received.append(self.request.recv(2048))
            self.request.sendall(data)
            self.request.shutdown(socket.SHUT_WR)
            while self.request.recv(2048):
                pass
    return Answer


def test_an_answer_that_is_none_or_not_the_echo():
    with python_server(answering(b"", [])) as port:
        equal(fails("uppercase_client", "127.0.0.1", port, "x"), "uppercase_client: the server answered nothing\n")
    for data in (b"", b"dat", b"data", b"other\n", b"\n"):
        with python_server(answering(data, [])) as port:
            equal(fails("struct_client", "127.0.0.1", port), "struct_client: the server has not echoed the line\n")


def test_the_longest_line_of_struct_client():
    with Server("struct_echo_server") as server:
        port = str(server.address[1])
        equal(run("struct_client", "127.0.0.1", port, "x" * 1023).stdout, "x" * 1023 + "\n")
        server.wait_for_line(LOGGED)
        with server.connect() as client:
            client.send("x" * 1024 + "more\n")
            server.wait_for_line(r"127\.0\.0\.1:\d+: the line is longer than 1024 bytes; no record is read$")
            client.half_close()
            equal(client.rest(), b"x" * 1024)
        equal(server.stop(), 0)
    for data in ("x" * 1024, "two\nlines", "line\n"):
        check("at most 1023 bytes" in fails("struct_client", "127.0.0.1", "80", data, status=2))


def test_waits_without_a_bound_and_a_source_port():
    for name, data in (("uppercase_client", ["x"]), ("struct_client", [])):
        with Server("struct_echo_server") as server:
            done = run(name, "127.0.0.1", str(server.address[1]), *data, "--no-connect-timeout", "--no-io-timeout")
            equal((done.returncode, done.stderr), (0, ""))
            equal(server.stop(), 0)
    with Server("struct_echo_server", "--log-level", "debug") as server:
        with refusing() as port:
            pass  # free again
        done = run("struct_client", "127.0.0.1", str(server.address[1]), "--bind", "127.0.0.4", "--bind-port", port)
        equal((done.returncode, done.stderr), (0, ""))
        server.wait_for_line(rf"127\.0\.0\.4:{port}: received 5 bytes: data\\n$")
        equal(server.stop(), 0)


def test_bad_usage_of_the_clients():
    for name, data in (("uppercase_client", "x"), ("struct_client", "x")):
        for option in ("--connect-timeout", "--io-timeout"):
            for value in ("nan", "inf", "0", "1e7", "x"):
                fails(name, "127.0.0.1", "80", data, option, value, status=2)
            fails(name, "127.0.0.1", "80", data, option, "1", "--no" + option[1:], status=2)
    fails("struct_client", "127.0.0.1", "80", "--bind-port", "5000", status=2)  # of no address
    fails("struct_client", "127.0.0.1", "80", "--bind", "127.0.0.1", "--bind-port", "65536", status=2)
    for arguments in ([], ["127.0.0.1"], ["127.0.0.1", "0", "x"], ["127.0.0.1", "70000", "x"], ["127.0.0.1", "http", "x"],
                      ["127.0.0.1", "80", "x", "--connect-timeout", "-1"], ["127.0.0.1", "80", "x", "--no-such"]):
        for name in ("uppercase_client", "struct_client"):
            fails(name, *arguments, status=2)
    fails("struct_client", "127.0.0.1", "80", "--syn-retries", "128", status=2)
    for name in ("uppercase_client", "struct_client"):
        equal(run(name, "--help").returncode, 0)


def test_numeric_hosts_and_localhost_take_no_thread():
    with Server("uppercase_server") as server, tempfile.TemporaryDirectory() as folder:
        for host in ("127.0.0.1", "localhost"):
            trace = os.path.join(folder, "trace")
            done = subprocess.run(["strace", "-f", "-e", "trace=clone,clone3", "-o", trace, binary("uppercase_client"),
                                   host, str(server.address[1]), "hello"], capture_output=True, timeout=PATIENCE)
            equal(done.stdout, b"HELLO")
            with open(trace) as file:
                text = file.read()
                check("clone" not in text, text)
        equal(server.stop(), 0)


main(tests_of(sys.modules[__name__]))
