"""What a server on fibers says and keeps: blocked loops, overflowing stacks, a connection's loop."""

import sys

from common import PATIENCE, Server, check, equal, main, set_key, tests_of


def test_a_handler_that_blocks_its_loop_is_named_with_its_client():
    with Server("probe_server", "--policy", "fiber", "--threads", "2") as server:
        with server.connect() as client, server.connect() as other:
            host, port = client.socket.getsockname()
            check(client.ask("thread") != other.ask("thread"), "both are on one loop")
            for _ in range(2):  # the second time after an idle while
                known = len(server.lines)
                client.send("block\n")
                server.wait_for_line(f"ProbeHandler for {host}:{port} has blocked its fiber loop for", known)
                equal(other.ask("unblock"), "unblock")
                equal(client.line(), "block")
                equal(server.ask("hello"), "hello")


def overflow(command):
    """The first of many connections does it: below its stack are those of the others, which it must not reach."""
    with Server("probe_server", "--policy", "fiber", "--threads", "1", *set_key("/concurrency/stack_size", 65536)) as server:
        clients = [server.connect() for _ in range(8)]
        for client in clients:
            equal(client.ask("x"), "x")
        clients[0].send(f"{command}\n")
        server.wait_for_line("stack overflowed: raise /concurrency/stack_size, which is 65536 bytes")
        check(server.process.wait(PATIENCE) != 0)
        for client in clients:
            client.close()


def test_a_frame_that_is_larger_than_stack_and_guard_ends_the_process():
    """Two MiB and more at once, compiled as any program that links socketserver: it once wrote into another stack."""
    overflow("frame")


def test_a_frame_that_is_larger_than_the_stack_meets_the_guard_also_in_other_code():
    """300,000 bytes at once, compiled without what touches each page on the way."""
    overflow("unchecked frame")


def test_connections_spread_over_the_loops_and_stay_with_theirs():
    with Server("probe_server", "--policy", "fiber", "--threads", "3") as server:
        clients = [server.connect() for _ in range(6)]
        homes = [client.ask("thread") for client in clients]
        equal(sorted(homes.count(home) for home in set(homes)), [2, 2, 2])
        for _ in range(20):
            equal([client.ask("thread") for client in clients], homes)
        for client in clients:
            client.close()


main(tests_of(sys.modules[__name__]))
