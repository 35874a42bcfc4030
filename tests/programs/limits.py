"""What the system does not allow is said at the start, and what the server makes of it."""

import contextlib
import re
import sys

from common import BINARIES, SANITIZED, Server, check, equal, eventually, main, set_key, tests_of
from process import Process, unsent

KEPT_BACK = 32


def fiber_server(*arguments, **options):
    return Server("uppercase_server", "--policy", "fiber", "--threads", "1", *arguments, **options)


def probe_server(*arguments, **options):
    return Server("probe_server", "--policy", "fiber", "--threads", "1", *arguments, **options)


def test_a_soft_limit_on_descriptors_that_is_too_low_is_raised():
    with fiber_server(*set_key("/limits/max_connections", 300), descriptors=(100, 1000)) as server:
        server.wait_for_line("at most 300 connections")
        server.wait_for_line("descriptors: at most 1000, the soft limit was 100")
        clients = [server.connect() for _ in range(300)]
        for client in clients:
            equal(client.ask("x"), "X")
            client.close()


def test_one_that_is_high_enough_stays():
    with fiber_server(*set_key("/limits/max_connections", 10), descriptors=(100, 1000)) as server:
        server.wait_for_line("descriptors: at most 100$")


def test_max_connections_is_lowered_to_what_the_hard_limit_allows():
    with fiber_server("--log-level", "info", *set_key("/concurrency/overflow", "reject"),
                      *set_key("/concurrency/reject_message", "full\n"), descriptors=(64, 100)) as server:
        found = server.wait_for_line("at most ([0-9]+) connections, not 10000: the process may open 100 descriptors")
        most = int(found[1])
        check(20 < most < 100 - KEPT_BACK, most)
        inside = [server.connect() for _ in range(most)]
        for client in inside:
            equal(client.ask("x"), "X")
        with server.connect() as client:
            equal(client.rest(), b"full\n")
        inside.pop().close()
        while server.ask("room again?") != "ROOM AGAIN?":
            pass
        for client in inside:
            client.close()
        check(not any(line and "accept failed" in line for line in server.lines), server.lines)


@contextlib.contextmanager
def ended(server, count):
    """Connections that the server has ended and their clients have not."""
    clients = []
    try:
        for _ in range(count):
            clients.append(server.connect())
            clients[-1].send("throw\n")
            equal(clients[-1].rest(), b"")
        yield
    finally:
        for client in clients:
            client.close()


def test_ended_connections_have_an_eighth_of_the_descriptors():
    with probe_server(*set_key("/timeouts/linger", 600), descriptors=(100, 100)) as server:
        connections = int(server.wait_for_line("at most ([0-9]+) connections, not 10000")[1])
        with ended(server, 50):
            check(eventually(lambda: server.counted("lingering") + server.counted("lingers cut") == 50))
            lingering = server.counted("lingering")
            equal(lingering, (connections + lingering) // 8)


def test_ended_connections_are_no_more_than_max_connections():
    with probe_server(*set_key("/timeouts/linger", 600), *set_key("/limits/max_connections", 5)) as server:
        with ended(server, 20):
            check(eventually(lambda: server.counted("lingers cut") == 15), server.lines[-1])
            equal(server.counted("lingering"), 5)


def test_an_accept_that_finds_no_descriptor_takes_one_of_an_ended_connection():
    if SANITIZED:  # needs descriptors of its own
        return
    with probe_server(*set_key("/timeouts/linger", 600)) as server:
        with ended(server, 30):
            check(eventually(lambda: server.counted("lingering") == 30), server.lines[-1])
            process = Process(server.pid)
            process.limit_descriptors(process.descriptors())

            def answered():
                with contextlib.suppress(ConnectionError):  # turned away by the spare descriptor
                    return server.ask("x") == "x"
            check(eventually(answered), server.lines[-3:])


def test_what_a_peer_that_half_closes_does_not_read_goes_after_the_write_timeout():
    with probe_server(*set_key("/timeouts/write", 0.5), *set_key("/socket/send_buffer", 4 << 20)) as server:
        with server.connect() as client:
            client.send("mebibyte\n")
            client.half_close()
            check(eventually(lambda: server.counted("served") == 1), server.lines[-1])
            check(eventually(lambda: unsent(server.address[1]) == 0), unsent(server.address[1]))
            equal(client.rest(), None)  # it was there, and is gone


def test_an_accept_that_fails_for_good_neither_spins_nor_holds_up_a_stop():
    if SANITIZED:  # the preloaded library would come before its runtime
        return
    library = {"LD_PRELOAD": f"{BINARIES}/libforbidden_accept.so"}
    for policy in ("inline", "thread", "pool", "fiber"):
        with Server("uppercase_server", "--policy", policy, *set_key("/timeouts/drain", None),
                    environment=library) as server:
            with server.connect():
                server.wait_for_line("accept failed 1 time: Operation not permitted")
                server.wait_for_line("accept failed [0-9]+ times, last: Operation not permitted; trying again")
                equal(server.stop(), 0)
            last = server.wait_for_line("accept keeps failing .*: 1 connections that had arrived are closed unserved")
            check(last)
            failures = [int(found[1]) for line in server.lines if line and (found := re.search("accept failed ([0-9]+) time", line))]
            check(sum(failures) < 100, failures)


def test_a_backlog_that_the_kernel_cuts_is_a_warning():
    with Server("uppercase_server", "--log-level", "warning", *set_key("/listen/backlog", 2**31 - 1), wait=False) as server:
        server.wait_for_line("backlog: asked 2147483647, granted [0-9]+ ")
        check(not any("listening" in line for line in server.lines if line), server.lines)


def test_stacks_whose_guards_take_mappings_are_bounded_and_guarded():
    older = {"PROBE_OLDER_KERNEL": "1"}
    with open("/proc/sys/vm/max_map_count") as file:
        mappings = int(file.read())
    with Server("probe_server", "--policy", "fiber", *set_key("/limits/max_connections", mappings),
                environment=older) as server:
        server.wait_for_line(f"at most {(mappings - 2048) // 2} connections, not {mappings}: on this kernel each fiber")
        clients = [server.connect() for _ in range(100)]
        for client in clients:
            equal(client.ask("x"), "x")
        clients[0].send("stack 10000000\n")
        server.wait_for_line("stack overflowed: raise /concurrency/stack_size")
        check(server.process.wait(30) != 0)


main(tests_of(sys.modules[__name__]))
