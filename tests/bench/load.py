"""The load generator against our server: figures come out, and a wrong answer does not pass."""

import json
import pathlib
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "programs"))

from common import Server, check, equal, main  # noqa: E402: after the path

LOAD = sys.argv[3]


def load(port, pid, *arguments):
    return subprocess.run([LOAD, *arguments, f"--port={port}", f"--server={pid}", "--warm-up=0", "--duration=0.2"],
                          capture_output=True, text=True, timeout=90)


def figures(*arguments):
    with Server("uppercase_server", "--policy", "thread") as server:
        run = load(server.address[1], server.pid, *arguments)
    equal((run.returncode, run.stderr), (0, ""))
    return json.loads(run.stdout)


def measures_requests(found):
    check(found["requests"] > 0 and found["cpu_us"] > 0, found)
    check(0 < found["p50_us"] <= found["p99_us"] <= found["p999_us"], found)


def steady():
    measures_requests(figures("steady", "--connections=8", "--depth=4"))


def long_lines():
    measures_requests(figures("steady", "--connections=2", "--line-bytes=65536"))


def slow_clients_beside():
    measures_requests(figures("steady", "--connections=4", "--slow-connections=6"))


def churn():
    measures_requests(figures("churn", "--connections=4"))


def idle():
    equal(figures("idle", "--connections=20")["held"], 20)


def a_wrong_answer_fails_the_run():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer_as_is():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(4096))
        threading.Thread(target=answer_as_is, daemon=True).start()
        with Server("uppercase_server") as any_process:
            run = load(listener.getsockname()[1], any_process.pid, "steady")
    equal(run.returncode, 1)
    check("answered wrongly" in run.stderr, run.stderr)


main([steady, long_lines, slow_clients_beside, churn, idle, a_wrong_answer_fails_the_run])
