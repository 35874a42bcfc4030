"""The proxy between real clients and an upstream that answers, refuses, goes away or takes its time."""

import os
import socket
import struct
import sys

from common import POLICIES, SOURCE, Server, check, equal, listening, main, refusing, run, set_key, tests_of


def upstream_key(port):
    return set_key("/app", {"upstream": {"host": "127.0.0.1", "port": int(port)}})


def test_line_proxy_under_every_policy():
    for policy in POLICIES:
        with Server("uppercase_server", "--policy", "thread") as upstream, \
             Server("line_proxy", "--policy", policy, *upstream_key(upstream.address[1])) as proxy:
            with proxy.connect() as client:
                for i in range(10):
                    equal(client.ask(f"line {i}"), f"LINE {i}")
                client.send("one\ntwo\nno end")
                client.half_close()
                equal(client.rest(), b"ONE\nTWO\nNO END\n")
            if policy != "inline":
                clients = [proxy.connect() for _ in range(4)]
                for i, client in enumerate(clients):
                    client.send(f"client {i}\n")
                equal([client.line() for client in clients], [f"CLIENT {i}" for i in range(4)])
                for client in clients:
                    client.close()
            equal(proxy.stop(), 0)
            equal(upstream.stop(), 0)


def test_line_proxy_when_the_upstream_refuses():
    for policy in POLICIES:
        with refusing() as port, Server("line_proxy", "--policy", policy, *upstream_key(port)) as proxy:
            with proxy.connect() as client:
                equal(client.ask("hello"), "error: the upstream server is not available")
                equal(client.rest(), b"")
            proxy.wait_for_line(rf"127\.0\.0\.1:\d+: upstream: cannot connect to 127\.0\.0\.1:{port}: Connection refused$")
            equal(proxy.stop(), 0)


def test_line_proxy_when_the_upstream_goes_away():
    with listening() as (listener, port), Server("line_proxy", *upstream_key(port)) as proxy:
        with proxy.connect() as client:
            client.send("hello\n")
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as file:
                equal(file.readline(), b"hello\n")
            equal(client.line(), "error: the upstream server is not available")
        proxy.wait_for_line(r"upstream: no reply")
        equal(proxy.stop(), 0)


def test_line_proxy_makes_a_request_again_where_its_idle_connection_was_stale():
    for policy in POLICIES:
        for reset in (False, True):
            with listening() as (listener, port), Server("line_proxy", "--policy", policy, *upstream_key(port)) as proxy:
                with proxy.connect() as client:
                    for number in range(3):  # each by a connection that is gone before the next one
                        client.send(f"line {number}\n")
                        connection, _ = listener.accept()
                        with connection, connection.makefile("rb") as file:
                            equal(file.readline(), f"line {number}\n".encode())
                            connection.sendall(f"reply {number}\n".encode())
                            equal(client.line(), f"reply {number}")
                            if reset:
                                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                equal(proxy.stop(), 0)
                check(not any(line and "upstream:" in line for line in proxy.lines), proxy.lines)


def test_line_proxy_sends_a_reply_before_it_waits_for_the_next():
    """The first reply was held back until the upstream had answered the second line."""
    for policy in POLICIES:
        with listening() as (listener, port), Server("line_proxy", "--policy", policy, *upstream_key(port)) as proxy:
            with proxy.connect() as client:
                client.send("one\ntwo\n")
                connection, _ = listener.accept()
                with connection, connection.makefile("rb") as file:
                    equal(file.readline(), b"one\n")
                    connection.sendall(b"ONE\n")
                    equal(file.readline(), b"two\n")
                    equal(client.line(), "ONE")  # while the second is withheld
                    connection.sendall(b"TWO\n")
                    equal(client.line(), "TWO")
            equal(proxy.stop(), 0)


def test_line_proxy_takes_replies_as_long_as_its_lines():
    for limit, answer in ((200_000, "x" * 100_000), (50_000, "error: the upstream server is not available")):
        with listening() as (listener, port), Server("line_proxy", *upstream_key(port),
                                                     *set_key("/limits/max_line", limit)) as proxy:
            with proxy.connect() as client:
                client.send("hello\n")
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"x" * 100_000 + b"\n")
                    equal(client.line(), answer)
            equal(proxy.stop(), 0)


def test_line_proxy_without_a_good_upstream_does_not_start():
    for upstream in ({}, {"host": "127.0.0.1"}, {"port": 80}, {"host": 1, "port": 80},
                     *({"host": "127.0.0.1", "port": port} for port in (0, -1, 65536, 80.5, "80", None, 2**64 - 1))):
        for mode in ([], ["--check"]):
            done = run("line_proxy", "--port", "0", *set_key("/app", {"upstream": upstream}), *mode)
            equal((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1))
            check("/upstream" in done.stderr, done.stderr)
    equal(run("line_proxy", "--port", "0").returncode, 2)


def test_line_proxy_from_its_configuration():
    equal(run("line_proxy", "--config", os.path.join(SOURCE, "config/line_proxy.json"), "--check").returncode, 0)


main(tests_of(sys.modules[__name__]))
