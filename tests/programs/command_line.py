"""Every option of serve_main, and every exit status."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from common import LISTENING, PATIENCE, Server, binary, check, equal, eventually, main, run, set_key, tests_of
from process import Process


def test_help_names_every_option_and_key():
    done = run("uppercase_server", "--help")
    equal(done.returncode, 0)
    for option in ("--config", "--host", "--port", "--policy", "--threads", "--set", "--check", "--print-config",
                   "--print-schema", "--log-level", "--version", "--help"):
        check(option in done.stdout, option, "is not in --help")
    check("/timeouts/idle = 60" in done.stdout, "the keys are not in --help")


def test_version():
    done = run("uppercase_server", "--version")
    equal((done.returncode, done.stdout), (0, "0.1.0\n"))


def test_print_schema_is_json():
    done = run("uppercase_server", "--print-schema")
    equal(done.returncode, 0)
    equal(json.loads(done.stdout)["additionalProperties"], False)


def test_print_config_shows_what_is_in_force_and_can_be_loaded():
    done = run("uppercase_server", "--print-config", "--port", "7", "--policy", "thread", "--threads", "9",
               "--host", "::1", "--log-level", "debug", *set_key("/timeouts/idle", 1.5))
    equal(done.returncode, 0)
    config = json.loads(done.stdout)
    equal(config["listen"]["port"], 7)
    equal(config["listen"]["host"], "::1")
    equal(config["concurrency"]["policy"], "thread")
    equal(config["concurrency"]["threads"], 9)
    equal(config["log"]["level"], "debug")
    equal(config["timeouts"]["idle"], 1.5)


def test_of_an_option_given_twice_the_last_one_counts():
    done = run("uppercase_server", "--print-config", "--port", "7", "--port", "8")
    equal(json.loads(done.stdout)["listen"]["port"], 8)
    done = run("uppercase_server", "--print-config", *set_key("/listen/port", 7), *set_key("/listen/port", 8))
    equal(json.loads(done.stdout)["listen"]["port"], 8)


def test_check_accepts_good_configurations_and_binds_nothing():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("uppercase_server", "--check", "--host", "127.0.0.1", "--port", port)
        equal(done.returncode, 0)
        check("is valid" in done.stderr, done.stderr)


def test_bad_usage_is_status_2_and_one_line():
    for arguments in (["--bogus"], ["--port"], ["--port", "70000"], ["--port", "x"], ["--policy", "fibre"],
                      ["--threads", "0"], ["--log-level", "loud"], ["--set", "nonsense"], ["--set", "/listen/port"],
                      ["--set", "/listen/prot=1"], ["--set", "/listen/host=bare"], ["--config", "/no/such.json"],
                      ["stray"], ["--check", "--port", "-1"]):
        done = run("uppercase_server", *arguments)
        equal((arguments, done.returncode), (arguments, 2))
        equal((arguments, done.stderr.count("\n")), (arguments, 1))
        equal(done.stdout, "")
    equal(run("uppercase_server", "--prot", "5").stderr, "unexpected argument: --prot; --help lists the options\n")


def test_a_port_that_is_taken_is_status_1_and_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("uppercase_server", "--host", "127.0.0.1", "--port", str(port))
        equal(done.returncode, 1)
        check(f"127.0.0.1:{port}: Address already in use" in done.stderr, done.stderr)
        equal(done.stderr.count("\n"), 1)


def test_a_log_file_that_cannot_be_opened_is_status_1():
    done = run("uppercase_server", "--port", "0", *set_key("/log/file", "/no/such/folder/log"))
    equal(done.returncode, 1)
    check("/no/such/folder/log: No such file or directory" in done.stderr, done.stderr)


def test_without_standard_streams_no_socket_stands_in_for_one():
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        server = subprocess.Popen(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', binary("uppercase_server"), "--host",
                                   "127.0.0.1", "--port", "0", *set_key("/log/file", str(log))])
        try:
            check(eventually(lambda: log.exists() and re.search(LISTENING, log.read_text())), "it has not started")
            equal([os.readlink(f"/proc/{server.pid}/fd/{number}") for number in range(3)], ["/dev/null"] * 3)
            server.terminate()
            equal(server.wait(PATIENCE), 0)
        finally:
            server.kill()
            server.wait()


def test_no_descriptor_is_inherited_by_a_program_that_a_handler_starts():
    for policy in ("inline", "thread", "pool", "fiber"):
        with tempfile.TemporaryDirectory() as folder, Server("probe_server", "--policy", policy, log_file=folder + "/log") as server:
            with server.connect() as ended, server.connect() as served:
                ended.send("throw\n")
                equal(ended.rest(), b"")  # and lingers
                equal(served.ask("x"), "x")
                equal(Process(server.pid).inherited(), {})


def test_interrupt_and_terminate_drain_with_status_0():
    for number in (signal.SIGINT, signal.SIGTERM):
        with Server("uppercase_server") as server:
            equal(server.ask("hello"), "HELLO")
            server.signal(number)
            equal(server.wait(), 0)


def test_a_forced_drain_is_status_3():
    with Server("uppercase_server", *set_key("/timeouts/drain", 0.05)) as server, server.connect() as client:
        equal(client.ask("x"), "X")
        client.send("half a line")
        # Only a whole round trip on another connection shows that these bytes, sent before it, have arrived.
        equal(server.ask("y"), "Y")
        equal(server.stop(), 3)


POLICIES = (("inline", 1), ("thread", 1), ("pool", 2), ("fiber", 2), ("fiber", 1))


@contextlib.contextmanager
def stuck(policy, threads, *arguments):
    """A server with a handler that never ends. Yields it and the client."""
    with Server("probe_server", "--policy", policy, "--threads", str(threads), *arguments) as server:
        with server.connect() as client:
            equal(client.ask("x"), "x")
            client.send("stuck\n")  # which is served even if a stop comes before it is read
            yield server, client


def test_a_stuck_handler_is_status_3_at_the_deadline_and_named():
    slowest = 0
    for policy in POLICIES:
        with stuck(*policy, *set_key("/timeouts/drain", 0.05)) as (server, client):
            began = time.monotonic()
            equal(server.stop(), 3)
            slowest = max(slowest, time.monotonic() - began)
            name = "%s:%d" % client.socket.getsockname()
            check(any(line and "still running although" in line and name in line for line in server.lines), server.lines)
    return f"status 3 after {slowest:.1f} s at most, 0.05 s of them the deadline"


def test_a_second_signal_ends_at_once_with_128_and_its_number():
    for policy in POLICIES:
        for number in (signal.SIGINT, signal.SIGTERM):
            with stuck(*policy, *set_key("/timeouts/drain", None)) as (server, _):
                server.signal(number)
                # One more is lost while the first was not taken.
                check(eventually(lambda: server.process.poll() is not None or server.signal(number)))
                equal(server.wait(), 128 + number)



main(tests_of(sys.modules[__name__]))
