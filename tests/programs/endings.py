"""Handlers that end in ways a server must survive."""

import re
import sys
import time

from common import SANITIZED, THREAD_SANITIZED, Server, check, equal, main, tests_of


def test_a_handler_that_ends_its_thread_costs_its_connection():
    """pthread_exit, as some C libraries call it: its unwinding must pass, or the process aborts."""
    for policy in ("thread", "pool", "fiber"):
        with Server("probe_server", "--policy", policy, "--threads", "2") as server:
            with server.connect() as other:
                equal(other.ask("x"), "x")
                for _ in range(5):  # more than there are workers or loops
                    with server.connect() as client:
                        client.send("end thread\n")
                        equal(client.rest(), b"")
                    server.wait_for_line("the handler ended its thread")
                    equal(server.ask("y"), "y")
                equal(other.ask("z"), "z")
            equal(server.stop(), 0)
            counted = [line for line in server.lines if line and "stopped: " in line]
            check(counted and counted[-1].endswith("0 forced"), policy, server.lines)


def test_an_exception_without_a_description_costs_its_connection():
    for policy in ("inline", "thread", "pool", "fiber"):
        with Server("probe_server", "--policy", policy) as server:
            with server.connect() as client:
                client.send("throw null\n")
                equal(client.rest(), b"")
            server.wait_for_line(r"NoDescription: \(no description\)")
            equal(server.ask("x"), "x")
            equal(server.stop(), 0)


def test_a_connection_that_is_reset_before_it_says_anything_is_no_failure():
    """A balancer's health check."""
    for policy in ("inline", "thread", "pool", "fiber"):
        with Server("uppercase_server", "--policy", policy) as server:
            for _ in range(20):
                server.connect().reset()
            equal(server.ask("x"), "X")
            equal(server.stop(), 0)
            check(not [line for line in server.lines if line and "reset" in line], server.lines)
        with Server("uppercase_server", "--policy", policy) as server:
            with server.connect() as client:
                equal(client.ask("one request"), "ONE REQUEST")
                client.send("half a request")
                client.reset()
            server.wait_for_line("reset by peer")


def test_what_peers_cause_fills_no_log():
    """One process that connects, sends and resets wrote 200 GB a day."""
    connections = 300
    kinds = [(policy, "throw", "on request") for policy in ("inline", "thread", "pool", "fiber")]
    if not THREAD_SANITIZED:  # which takes pthread_exit on a fiber for the end of its thread
        kinds += [(policy, "end thread", "ended its thread") for policy in ("thread", "pool", "fiber")]
    for policy, command, line_of_it in kinds:
        with Server("probe_server", "--policy", policy) as server:
            began = time.monotonic()
            for _ in range(connections):
                with server.connect() as client:
                    client.send(command + "\n")
                    equal(client.rest(), b"")
            seconds = time.monotonic() - began
            equal(server.stop(), 0)
            lines = [line for line in server.lines if line and line_of_it in line]
            check(10 <= len(lines) <= 10 * (seconds + 2), len(lines), seconds)
            told = sum(int(found[1]) for line in server.lines if line and (found := re.search(
                r"and (\d+) more of this kind|not logged: 0 network events, (\d+) errors", line)) and found[1])
            last = server.wait_for_line(r"not logged: 0 network events, (\d+) errors")
            equal(len(lines) + told + int(last[1]), connections)


def test_what_resets_cause_fills_no_log():
    resets = 300
    for policy in ("inline", "thread", "pool", "fiber"):
        with Server("uppercase_server", "--policy", policy) as server:
            began = time.monotonic()
            for _ in range(resets):
                client = server.connect()
                equal(client.ask("x"), "X")
                client.reset()
            equal(server.ask("y"), "Y")
            seconds = time.monotonic() - began
            equal(server.stop(), 0)
            lines = [line for line in server.lines if line and "reset by peer" in line]
            check(10 <= len(lines) <= 10 * (seconds + 2), len(lines), seconds)


tests = tests_of(sys.modules[__name__])
if SANITIZED:  # ThreadSanitizer intercepts pthread_exit and does not know fibers that end by it
    tests.remove(test_a_handler_that_ends_its_thread_costs_its_connection)
main(tests)
