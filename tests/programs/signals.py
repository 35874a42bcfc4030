"""A stop by signal, under load and with clients in every state."""

import fcntl
import signal
import sys
import threading

from common import PATIENCE, Server, check, equal, main, tests_of


def test_terminate_under_load_loses_no_request():
    for policy in ("thread", "pool", "fiber"):
        with Server("uppercase_server", "--policy", policy, "--threads", "8") as server:
            sent, answered, started = [0] * 8, [0] * 8, threading.Barrier(9, timeout=PATIENCE)

            def work(me):
                with server.connect() as client:
                    equal(client.ask("first"), "FIRST")
                    started.wait()
                    try:
                        while True:
                            client.send("request\n")
                            sent[me] += 1
                            if client.line() != "REQUEST":
                                return
                            answered[me] += 1
                    except ConnectionError:
                        pass

            threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
            for thread in threads:
                thread.start()
            started.wait()
            while sum(answered) < 2000:
                check(server.process.poll() is None, "the server has ended")
            equal(server.stop(), 0)
            for thread in threads:
                thread.join()
            # A request may be on its way when the connection ends, one a client; none that was received is lost:
            # the suite's server_test counts those by bytes.
            check(all(0 <= s - a <= 1 for s, a in zip(sent, answered)), sent, answered)
            server.wait_for_line("stopped: 8 connections drained, 0 forced")


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
            server.signal(signal.SIGTERM)  # the second one: the held request has nobody to release it
            equal(server.wait(), 128 + signal.SIGTERM)


def test_a_log_that_nobody_reads_holds_nothing_up():
    for policy in ("inline", "thread", "pool", "fiber"):
        with Server("uppercase_server", "--policy", policy, "--log-level", "debug", read_on=False) as server:
            fcntl.fcntl(server.process.stderr, fcntl.F_SETPIPE_SZ, 4096)
            for _ in range(100):  # more than that holds, from every thread that logs
                server.signal(signal.SIGUSR1)
                equal(server.ask("x"), "X")
            equal(server.stop(), 0)


main(tests_of(sys.modules[__name__]))
