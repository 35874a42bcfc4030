"""A stop by signal, under load and with clients in every state."""

import contextlib
import fcntl
import signal
import sys
import threading
import time

from common import PATIENCE, SANITIZED, THREAD_SANITIZED, Server, check, equal, eventually, main, received_by, set_key, tests_of
from process import Process


@contextlib.contextmanager
def frozen(server):
    """Meanwhile the server does not run: what arrives is with its kernel. A signal from meanwhile comes at the end, to any
    of its threads, and ThreadSanitizer keeps it from one that waits in recv: there these tests are left out."""
    server.signal(signal.SIGSTOP)
    check(eventually(lambda: Process(server.pid).state() == "T"), "it still runs")
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


def test_terminate_under_load_loses_no_request():
    if THREAD_SANITIZED:
        return None
    figures = []
    for policy, loops in (("thread", 8), ("pool", 8), ("fiber", 8), ("fiber", 1)):
        with Server("uppercase_server", "--policy", policy, "--threads", str(loops)) as server:
            sent, answered, clients = [0] * 8, [0] * 8, [server.connect() for _ in range(8)]

            def work(me):
                with contextlib.suppress(ConnectionError):
                    while True:
                        clients[me].send("request\n")
                        sent[me] += 1
                        if clients[me].line() != "REQUEST":
                            return
                        answered[me] += 1

            threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
            for thread in threads:
                thread.start()
            check(eventually(lambda: sum(answered) >= 2000 or server.process.poll() is not None), answered)
            with frozen(server):
                # Each has one request under way, which the server's kernel has acknowledged.
                check(eventually(lambda: all(s == a + 1 for s, a in zip(sent, answered))), sent, answered)
                check(eventually(lambda: all(map(received_by, clients))), "a request has not arrived")
                received = list(sent)
                server.signal()
            began = time.monotonic()
            equal(server.wait(), 0)
            figures.append(f"{policy} ended after {time.monotonic() - began:.2f} s")
            for thread in threads:
                thread.join()
            for client in clients:
                client.close()
            check(all(a >= r for a, r in zip(answered, received)), received, answered)
            server.wait_for_line("stopped: 8 connections drained, 0 forced")
            figures[-1] += f", {sum(answered)} requests answered"
    return ", ".join(figures)


def test_terminate_loses_nothing_that_the_kernel_has_received():
    """Most of it not read yet, on connections that are served, on some that have been silent and on some that are not even
    accepted."""
    if THREAD_SANITIZED:
        return
    requests = 1000
    for policy, loops in (("inline", 1), ("thread", 8), ("pool", 8), ("fiber", 8), ("fiber", 1)):
        with Server("uppercase_server", "--policy", policy, "--threads", str(loops),
                    *set_key("/limits/read_buffer", 16)) as server:
            clients = [server.connect() for _ in range(4)]
            for client in clients[:1] if policy == "inline" else clients[2:]:
                equal(client.ask("first"), "FIRST")
            with frozen(server):
                clients += [server.connect() for _ in range(4)]
                for client in clients:
                    client.send("request\n" * requests)
                check(eventually(lambda: all(map(received_by, clients))), "the kernel has not taken all")
                server.signal()
            for client in clients:
                equal(client.rest(), b"REQUEST\n" * requests)
                client.close()
            equal(server.wait(), 0)
            server.wait_for_line("stopped: 8 connections drained, 0 forced")


def test_without_descriptors_a_stop_serves_those_that_wait():
    for policy in ("thread", "fiber"):
        with Server("uppercase_server", "--policy", policy, *set_key("/limits/max_connections", 1),
                    *set_key("/timeouts/linger", 0.1)) as server:
            process = Process(server.pid)
            used = process.descriptors()
            with server.connect() as first:
                equal(first.ask("x"), "X")
                waiting = [server.connect() for _ in range(5)]
                for client in waiting:
                    client.send("request\n")
                    client.half_close()
                process.limit_descriptors(used)  # the spare one is all there is
                server.signal()
                for client in waiting:
                    equal(client.rest(), b"REQUEST\n")
                    client.close()
                equal(server.wait(), 0)


def test_who_was_not_accepted_by_the_end_of_a_stop_is_reported():
    with Server("probe_server", "--policy", "thread", *set_key("/limits/max_connections", 1),
                *set_key("/timeouts/drain", 0.5)) as server:
        with server.connect() as first, server.connect() as waiting:
            equal(first.ask("x"), "x")
            waiting.send("request\n")
            Process(server.pid).limit_descriptors(3)  # and not even that
            server.signal()
            equal(server.wait(), 3)
            server.wait_for_line("drain deadline passed: 1 connections could not be accepted")
            server.wait_for_line("stopped: 1 connections drained, 1 forced")


def test_terminate_with_idle_clients_refuses_new_ones_and_ends():
    for policy in ("inline", "thread", "pool", "fiber"):
        with Server("uppercase_server", "--policy", policy) as server:
            with server.connect() as spoken, server.connect() as silent:
                equal(spoken.ask("x"), "X")
                address = server.address
                equal(server.stop(), 0)
                equal(spoken.rest(), b"")
                equal(silent.rest(), b"")
            try:
                server.connect()
                check(False, "a connection after the end", address)
            except ConnectionRefusedError:
                pass


def test_a_request_in_progress_is_finished():
    with Server("probe_server", "--policy", "thread") as server:
        with server.connect() as holding, server.connect() as other:
            equal(holding.ask("x"), "x")
            holding.send("hold\n")
            other.send("part of a line")
            equal(server.ask("y"), "y")
            server.signal()
            server.wait_for_line("stopping")
            other.send(", and its end\n")
            equal(other.line(), "part of a line, and its end")
            check(server.process.poll() is None, "the server did not wait for the request in progress")
            server.signal(signal.SIGTERM)  # the second one: nothing releases the held request
            equal(server.wait(), 128 + signal.SIGTERM)


def test_a_log_that_nobody_reads_holds_nothing_up():
    for policy in ("inline", "thread", "pool", "fiber"):
        with Server("uppercase_server", "--policy", policy, "--log-level", "debug", read_on=False) as server:
            fcntl.fcntl(server.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
            for _ in range(100):  # more than that holds, from every thread that logs
                server.signal(signal.SIGUSR1)
                equal(server.ask("x"), "X")
            equal(server.stop(), 0)


tests = tests_of(sys.modules[__name__])
if SANITIZED:
    tests.remove(test_without_descriptors_a_stop_serves_those_that_wait)
    tests.remove(test_who_was_not_accepted_by_the_end_of_a_stop_is_reported)
main(tests)
