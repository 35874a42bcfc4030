"""What a request costs: one recv and one send, as in a blocking loop; a batch one send."""

import os
import re
import sys
import tempfile

from common import Server, check, equal, main, tests_of

REQUESTS = 1000


def calls_of(talk, *arguments):
    """Traces a server while `talk` speaks with it. @returns the system calls by name."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        with Server("uppercase_server", *arguments, before=["strace", "-f", "-c", "-o", trace]) as server:
            with server.connect() as client:
                talk(client)
            equal(server.stop(), 0)
        with open(trace) as file:
            rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", file.read(), re.MULTILINE)
        return {name: int(count) for count, name in rows if name != "total"}


def one_at_a_time(client):
    for _ in range(REQUESTS):
        equal(client.ask("hello"), "HELLO")


def test_one_recv_and_one_send_a_request():
    for policy in ("thread", "pool", "inline", "fiber"):
        calls = calls_of(one_at_a_time, "--policy", policy)
        silent = calls_of(lambda client: None, "--policy", policy)
        extra = {name: count - silent.get(name, 0) for name, count in calls.items()}
        equal(extra.pop("sendto"), REQUESTS)
        # One more or less: the end of the connection is read, or told by the stop.
        check(REQUESTS - 1 <= extra.pop("recvfrom") <= REQUESTS + 1, calls)
        check(extra.get("setsockopt", 0) <= 4, calls)  # the socket's timeouts, set once each
        if policy == "fiber":  # the loop waits once a request; what one wait tells serves all connections
            check(extra.pop("epoll_wait", 0) <= REQUESTS * 1.1, calls)
            extra.pop("futex", 0)  # the watchdog looks by the clock, however slowly a traced server answers
        check(sum(abs(count) for count in extra.values()) < REQUESTS / 10, extra)


def test_sixteen_pipelined_lines_are_answered_in_one_send():
    def pipelined(client):
        client.send("".join(f"line {i}\n" for i in range(16)))
        for i in range(16):
            equal(client.line(), f"LINE {i}")
    for policy in ("thread", "fiber"):
        equal(calls_of(pipelined, "--policy", policy)["sendto"], 1)


main(tests_of(sys.modules[__name__]))
