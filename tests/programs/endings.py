"""Handlers that end in ways a server must survive."""

import sys

from common import SANITIZED, Server, check, equal, main, tests_of


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


tests = tests_of(sys.modules[__name__])
if SANITIZED:  # ThreadSanitizer intercepts pthread_exit and does not know fibers that end by it
    tests.remove(test_a_handler_that_ends_its_thread_costs_its_connection)
main(tests)
