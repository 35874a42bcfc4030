"""The rows of the scorecard. Each takes an Effort and returns a figure, or raises."""

import dataclasses
import os
import pathlib
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

from chaos_proxy import RESET, ChaosProxy
from common import BINARIES, PATIENCE, SOURCE, Client, Server, check, equal, eventually, set_key
from process import Process

UNBOUNDED = ("thread", "fiber")
BESIDE = ("thread", "pool", "fiber")
ALL = ("inline", *BESIDE)
ROWS = []


@dataclasses.dataclass
class Effort:
    minutes: float
    seed: int
    shares: float

    def count(self, brief, full):
        return full if self.minutes else brief

    def seconds(self, share, brief):
        return self.minutes * 60 * share / self.shares if self.minutes else brief


@dataclasses.dataclass
class Row:
    number: int
    title: str
    run: callable
    share: float  # of the minutes


def row(number, title, share=0.0):
    def add(function):
        ROWS.append(Row(number, title, function, share))
        return function
    return add


def server(name, policy, *arguments, **options):
    # Enough workers that a pool has room for what the rows do beside each other.
    threads = set_key("/concurrency/threads", 2 if policy == "fiber" else 64)
    return Server(name, "--policy", policy, *threads, *arguments, **options)


def latency(address, times=200):
    """@returns the median of so many questions on a connection, in milliseconds."""
    with Client(address) as client:
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            equal(client.ask("x"), "X")
            taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


def counters(running):
    """What SIGUSR1 has the server write."""
    known = len(running.lines)
    running.signal(signal.SIGUSR1)
    check(eventually(lambda: any(line and "counted: " in line for line in running.lines[known:])), "no counters")
    (line,) = [line for line in running.lines[known:] if line and "counted: " in line]
    names = ("accepted", "active", "served", "rejected", "timed out", "failed", "waits", "accept errors")
    return {name: int(re.search(rf"{name} (\d+)", line)[1]) for name in names}


def balanced(running):
    """@returns the counters, once no connection is active."""
    check(eventually(lambda: counters(running)["active"] == 0), "connections stay active:", running.lines[-1])
    found = counters(running)
    equal(found["accepted"], sum(found[name] for name in ("active", "served", "rejected", "timed out", "failed")))
    return found


def resources(process):
    return process.descriptors(), process.threads()


def many(work, count):
    """Calls work(0) to work(count - 1) on threads of their own, and raises what one of them raised."""
    errors = []

    def guarded(number):
        try:
            work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def suite(script, what):
    """A row that a program of the suite tries already."""
    done = subprocess.run([sys.executable, os.path.join(SOURCE, "tests/programs", script), BINARIES, SOURCE],
                          capture_output=True, text=True, timeout=600)
    check(done.returncode == 0, done.stdout)
    return f"{what}: {done.stdout.splitlines()[-1]}"


@row(1, "many idle connections")
def idle_connections(effort):
    figures = []
    for policy, full in (("thread", 1000), ("fiber", 10000)):
        count = effort.count(500, full)
        with server("uppercase_server", policy, *set_key("/timeouts/idle", None),
                    *set_key("/limits/max_connections", count + 10)) as running:
            process = Process(running.pid)
            latency(running.address)  # warms up
            control, before = latency(running.address), process.memory()
            clients = [running.connect() for _ in range(count)]
            for client in clients:
                equal(client.ask("a"), "A")
            held = process.memory()
            share = process.cpu_share(effort.count(2, 10))
            check(share < 0.05, "idle, it takes", share, "of a core")
            check(process.memory() - held < 1024, "memory grows while nothing happens:", held, process.memory())
            beside = min(latency(running.address) for _ in range(3))
            if effort.minutes:
                check(beside < max(10, 3 * control), "a new client takes", beside, "ms beside them, alone", control)
            for client in clients:
                client.close()
            figures.append(f"{policy} {count}: {(held - before) / count:.1f} KiB each, {share:.1%} of a core, "
                           f"a line {beside:.2f} ms ({control:.2f} alone)")
    return "; ".join(figures)


def churn(running, count, dice):
    for _ in range(count):
        client = running.connect()
        equal(client.ask("word"), "WORD")
        if dice.random() < 0.5:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()


@row(2, "churn, half of it ended by a reset", share=2)
def churning(effort):
    figures = []
    for policy in BESIDE:
        with server("uppercase_server", policy, *set_key("/timeouts/linger", 0.1)) as running:
            process, dice = Process(running.pid), random.Random(effort.seed)
            churn(running, effort.count(200, 2000), dice)
            balanced(running)
            before, warm = resources(process), process.memory()
            end, count = time.monotonic() + effort.seconds(2 / 3, 0), 0
            while count < 300 or time.monotonic() < end:
                churn(running, 100, dice)
                count += 100
            balanced(running)
            check(eventually(lambda: resources(process) == before), "descriptors, threads:", before, resources(process))
            check(process.memory() < warm + 2048, "memory:", warm, process.memory())
            figures.append(f"{policy} {count}, memory {process.memory() - warm:+} KiB")
    return "; ".join(figures)


@row(3, "slow clients, a byte a second, beside 50 good ones")
def slow_clients(effort):
    return "; ".join(f"{policy} {slow_beside_good(effort, policy)}" for policy in UNBOUNDED)


def slow_beside_good(effort, policy):
    count, read = effort.count(100, 1000), 2
    with server("uppercase_server", policy, *set_key("/timeouts/read", read)) as running:
        def good_clients():
            taken, lock = [], threading.Lock()

            def ask(_):
                with running.connect() as client:
                    for _ in range(20):
                        began = time.perf_counter()
                        equal(client.ask("good"), "GOOD")
                        with lock:
                            taken.append((time.perf_counter() - began) * 1000)
            many(ask, 50)
            return sorted(taken)[len(taken) * 99 // 100]

        control = good_clients()
        slow = [running.connect() for _ in range(count)]
        for client in slow:
            client.send("s")
        over = threading.Event()

        def drip():
            while not over.wait(1):
                for client in slow:
                    try:
                        client.send("s")
                    except OSError:  # closed, as it should be
                        pass
        dripping = threading.Thread(target=drip)
        dripping.start()
        beside = good_clients()
        # The read deadline ends them, however they drip; a reset is what their last bytes may get.
        for client in slow:
            check(client.rest() in (b"", None))
        over.set()
        dripping.join()
        equal(balanced(running)["timed out"], count)
        for client in slow:
            client.close()
        if effort.minutes:
            check(beside < max(10, 2 * control), "p99 of the good ones:", beside, "ms, alone", control)
        return f"{count} closed at {read} s; p99 of the good {beside:.1f} ms, alone {control:.1f}"


@row(4, "clients that connect and stay silent")
def silent_clients(effort):
    figures = []
    for policy in UNBOUNDED:
        count = effort.count(100, 1000)
        with server("uppercase_server", policy, *set_key("/timeouts/idle", 1)) as running:
            clients = [running.connect() for _ in range(count)]
            for client in clients:
                equal(client.rest(), b"")
                client.close()
            equal(balanced(running)["timed out"], count)
            figures.append(f"{policy} {count} closed")
    return "; ".join(figures)


@row(5, "clients that never read")
def deaf_clients(effort):
    figures = []
    for policy in UNBOUNDED:
        count = effort.count(10, 100)
        with server("probe_server", policy, *set_key("/timeouts/write", 1)) as running:
            process = Process(running.pid)
            equal(running.ask("x"), "x")
            before = process.memory()
            clients = [running.connect() for _ in range(count)]
            for client in clients:
                client.send("mebibyte\n")  # of reply, and more than the kernel's buffers take in the next lines
                client.send("mebibyte\n" * 20)
            equal(running.ask("still here"), "still here")
            check(eventually(lambda: counters(running)["timed out"] == count), running.lines[-1])
            grown = process.memory() - before
            check(grown < count * 3 * 1024, "memory grew by", grown, "KiB")
            balanced(running)
            for client in clients:
                client.close()
            figures.append(f"{policy} {count} closed at the write deadline, {grown // count} KiB each at most")
    return "; ".join(figures)


@row(6, "a line without an end")
def endless_line(effort):
    size = effort.count(32, 1024)
    figures = []
    for policy in ALL:
        with server("uppercase_server", policy) as running:
            process = Process(running.pid)
            equal(running.ask("x"), "X")
            before = process.memory()
            with running.connect() as client:
                try:
                    for _ in range(size):
                        client.send(b"x" * 2**20)
                except OSError:
                    pass  # closed long before
                client.rest()
            equal(running.ask("y"), "Y")
            grown = process.memory() - before
            check(grown < 1024, "memory grew by", grown, "KiB")
            equal(balanced(running)["failed"], 1)
            equal(len([line for line in running.lines if "65536" in line and "line" in line]), 1)
            figures.append(f"{policy} {grown:+} KiB")
    return f"{size} MiB: " + ", ".join(figures)


@row(7, "descriptors run out")
def few_descriptors(effort):
    figures = []
    for policy in UNBOUNDED:
        with server("uppercase_server", policy) as running:
            process = Process(running.pid)
            equal(running.ask("x"), "X")
            check(eventually(lambda: counters(running)["active"] == 0))
            lines = len(running.lines)
            old = process.limit_descriptors(process.descriptors() + 20)
            clients = []
            for _ in range(200):
                clients.append(socket.create_connection(running.address, PATIENCE))
            share = process.cpu_share(effort.count(2, 10))
            said = len(running.lines) - lines
            check(running.process.poll() is None, "it has ended")
            check(share < 0.05, "it spins:", share, "of a core")
            check(said <= 20, said, "lines", running.lines[-3:])
            process.limit_descriptors(old[0])
            equal(running.ask("again"), "AGAIN")
            for client in clients:
                client.close()
            found = balanced(running)
            figures.append(f"{policy} {share:.1%} of a core, {said} lines, {found['accept errors']} failed accepts")
    return "; ".join(figures)


@row(8, "more connections than max_connections")
def too_many(effort):
    figures = []
    most, more = 50, effort.count(20, 100)
    for policy in UNBOUNDED:
        with server("uppercase_server", policy, *set_key("/limits/max_connections", most),
                    *set_key("/concurrency/overflow", "reject"),
                    *set_key("/concurrency/reject_message", "full\n")) as running:
            inside = [running.connect() for _ in range(most)]
            for client in inside:
                equal(client.ask("in"), "IN")
            for _ in range(more):
                with running.connect() as client:
                    equal(client.rest(), b"full\n")
            # The last one has seen its end before it is counted.
            check(eventually(lambda: counters(running)["rejected"] == more), running.lines[-1])
            equal(counters(running)["active"], most)
            for client in inside:
                client.close()
            balanced(running)
        with server("uppercase_server", policy, *set_key("/limits/max_connections", most)) as running:
            inside = [running.connect() for _ in range(most)]
            for client in inside:
                equal(client.ask("in"), "IN")
            waiting = [running.connect() for _ in range(more)]
            for client in waiting:
                client.send("later\n")
            equal(counters(running)["accepted"], most)
            for client in inside:
                client.close()
            for client in waiting:
                equal(client.line(), "LATER")
                client.close()
            found = balanced(running)
            equal((found["accepted"], found["rejected"]), (most + more, 0))
            check(found["waits"] >= 1, found)
            figures.append(f"{policy} {more} rejected, then {more} waited")
    return "; ".join(figures)


@row(9, "SIGTERM under load")
def stop_under_load(_):
    return suite("signals.py", "signals.py")


@row(10, "SIGTERM with a stuck handler, and a second one")
def stop_with_a_stuck_handler(_):
    return suite("command_line.py", "command_line.py")


@row(11, "mixed signals")
def mixed_signals(effort):
    kinds = (signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH)
    count = effort.count(500, 10000)
    for policy in ALL:
        with server("uppercase_server", policy) as running, running.connect() as client:
            for number in range(count):
                running.signal(kinds[number % len(kinds)])
                if number % 50 == 0:
                    equal(client.ask("x"), "X")
            equal(client.ask("x"), "X")
            check(not any(line and "error" in line and "accept errors" not in line for line in running.lines))
            client.close()
            equal(running.stop(), 0)
    return f"{count} under each policy, status 0"


@row(12, "restart with 50 open connections")
def restart(effort):
    count, port = effort.count(5, 20), 0
    for policy in UNBOUNDED:
        for _ in range(count):
            with Server("uppercase_server", "--port", str(port), "--policy", policy) as running:
                port = running.address[1]
                clients = [running.connect() for _ in range(50)]
                for client in clients:
                    equal(client.ask("x"), "X")
                equal(running.stop(), 0)
                for client in clients:
                    equal(client.rest(), b"")
                    client.close()
    return f"{count} times under each of {', '.join(UNBOUNDED)}, on one port"


@row(13, "bytes one by one, half-closes, resets in the middle, data with the FIN", share=1)
def chaos(effort):
    figures = []
    for policy in ALL:
        with server("uppercase_server", policy, *set_key("/timeouts/linger", 0.1)) as running:
            process = Process(running.pid)
            equal(running.ask("x"), "X")
            balanced(running)
            before = resources(process)
            answered = reset = 0
            end = time.monotonic() + effort.seconds(1 / 4, 0)
            round_number = 0
            while round_number == 0 or time.monotonic() < end:
                seed = f"{effort.seed}/{policy}/{round_number}"
                with ChaosProxy(running.address, seed) as proxy:
                    whole, cut = talk_through(proxy, 20 if policy != "inline" else 4)
                answered, reset, round_number = answered + whole, reset + cut, round_number + 1
            check(answered > 0, "nobody was answered")
            balanced(running)
            check(eventually(lambda: resources(process) == before), before, resources(process))
            figures.append(f"{policy} {answered} answered, {reset} reset")
    return "; ".join(figures)


def talk_through(proxy, count):
    """@returns how many clients were answered in full, and how many were cut off by a reset."""
    found = [0, 0]
    lock = threading.Lock()

    def talk(number):
        text = "".join(f"line {i} of {number}\n" for i in range(number % 7 + 1)) + "rest"
        try:
            with Client(proxy.address) as client:
                client.send(text)
                client.half_close()  # at once, so that it comes with data
                reply = client.rest()
        except ConnectionError:
            reply = None
        expected = text.upper().encode()
        if reply == expected:
            whole = 0
        else:
            # The proxy has cut it off: what came, if anything, is the beginning.
            check(reply is None or expected.startswith(reply), "sent", text, "got", reply)
            whole = 1
        with lock:
            found[whole] += 1
    many(talk, count)
    check(found[1] <= proxy.reset_connections, found[1], "cut off, but the proxy has reset", proxy.reset_connections)
    return found


@row(14, "a handler throws every seventh time", share=1)
def throwing_handlers(effort):
    figures = []
    for policy in ALL:
        # By turns from handle, of no standard type, from setup and from finish: see probe_server.
        with server("probe_server", policy, *set_key("/app", {"throw_every": 7})) as running:
            end, total = time.monotonic() + effort.seconds(1 / 4, 0), 0
            while total < 70 or time.monotonic() < end:
                with running.connect() as client:
                    client.send("hello\n")
                    client.half_close()
                    client.rest()
                total += 1
            found = balanced(running)
            equal((found["failed"], found["served"]), (total // 7, total - total // 7))
            figures.append(f"{policy} {total // 7} of {total}")
    return "; ".join(figures)


@row(15, "a handler blocks")
def blocking_handler(effort):
    seconds = effort.count(1, 5)
    figures = []
    for policy in BESIDE:
        with server("probe_server", policy) as running:
            beside = [running.connect() for _ in range(8)]
            homes = [client.ask("thread") for client in beside]
            with running.connect() as blocking:
                home = blocking.ask("thread")
                offload = policy != "fiber"
                blocking.send(f"{'block' if offload else 'offload'} {seconds * 1000}\n")
                for client in beside:
                    equal(client.ask("x"), "x")
                equal(blocking.line().split()[1], str(seconds * 1000))
                if policy == "fiber":  # without offload its loop stands, and is named; the other goes on
                    blocking.send(f"block {seconds * 1000}\n")
                    running.wait_for_line("has kept its fiber loop from all others")
                    for client, place in zip(beside, homes):
                        if place != home:
                            equal(client.ask("x"), "x")
                    equal(blocking.line(), f"block {seconds * 1000}")
            figures.append(policy)
            for client in beside:
                client.close()
    return f"{seconds} s under " + ", ".join(figures)


@row(16, "bad configurations")
def bad_configurations(_):
    return suite("configurations.py", "configurations.py")


@row(17, "a peer's bytes in the log")
def logged_bytes(_):
    with server("uppercase_server", "fiber", "--log-level", "debug") as running:
        with running.connect() as client:
            text = b"forged\r\x1b[31m\x00 entry " + b"y" * 2048 + b"\n"
            client.send(text)
            equal(client.file.readline(), text.upper())
        running.wait_for_line(r"received \d+ bytes: forged\\r\\x1b\[31m\\x00 entry y+")
        check(all(line.isprintable() and len(line) < 1200 for line in running.lines if line),
              max(running.lines, key=len))
        longest = max(len(line) for line in running.lines if line)
    return f"one line each, the longest of {longest} bytes"


@row(18, "the wall clock jumps")
def wall_clock(_):
    library = pathlib.Path(BINARIES, "libwall_clock_jumps.so")
    figures = []
    for policy in ALL:
        with server("uppercase_server", policy, *set_key("/timeouts/idle", 1.5),
                    environment={"LD_PRELOAD": str(library)}) as running:
            check(str(library) in pathlib.Path(f"/proc/{running.pid}/maps").read_text(), "not preloaded")
            with running.connect() as client:
                equal(client.ask("x"), "X")
                began = time.monotonic()
                equal(client.rest(), b"")
                taken = time.monotonic() - began
            check(taken > 1.4, "closed early, after", taken, "s")
            equal(balanced(running)["timed out"], 1)
            equal(running.stop(), 0)
            figures.append(f"{policy} {taken:.1f} s")
    return "idle for 1.5 s, closed after: " + ", ".join(figures)


@row(19, "no thread can be had")
def no_thread(_):
    with server("uppercase_server", "thread") as running:
        process = Process(running.pid)
        held = running.connect()  # has the stack that the library might have kept for another thread
        equal(held.ask("x"), "X")
        process.limit_memory(4096)  # a thread's stack takes 8 MiB
        for _ in range(20):
            with running.connect() as client:
                check(client.rest() in (b"", None))
        process.limit_memory(None)
        equal(running.ask("again"), "AGAIN")
        held.close()
        found = balanced(running)
        equal((found["failed"], found["served"]), (20, 2))
        return "20 refused and counted, the next one served"


@row(22, "churn, slow clients, throwing handlers, half-closes and resets together", share=12)
def all_together(effort):
    figures = []
    for policy in BESIDE:
        with server("probe_server", policy, *set_key("/app", {"throw_every": 7}), *set_key("/timeouts/read", 2),
                    *set_key("/timeouts/linger", 0.1)) as running:
            process = Process(running.pid)
            mixture(running, f"{effort.seed}/{policy}")
            balanced(running)
            before, warm = resources(process), process.memory()
            end, rounds = time.monotonic() + effort.seconds(12 / 3, 0), 0
            while rounds == 0 or time.monotonic() < end:
                mixture(running, f"{effort.seed}/{policy}/{rounds}")
                rounds += 1
            found = balanced(running)
            check(eventually(lambda: resources(process) == before), "descriptors, threads:", before, resources(process))
            check(process.memory() < warm + 8192, "memory:", warm, process.memory())
            figures.append(f"{policy} {found['accepted']} connections = {found['served']} served + {found['failed']} "
                           f"failed + {found['timed out']} timed out, memory {process.memory() - warm:+} KiB")
    return "; ".join(figures)


def mixture(running, seed):
    """Everybody at once, for a few seconds."""
    def slow(_):
        with running.connect() as client:
            try:
                client.send("s")
                client.rest()  # closed at the read deadline
            except ConnectionError:
                pass

    def through_proxy(proxy, number):
        try:
            with Client(proxy.address) as client:
                client.send("".join(f"line {i}\n" for i in range(number % 5 + 1)))
                client.half_close()
                client.rest()
        except ConnectionError:
            pass

    def churn_on(number):
        own = random.Random(f"{seed}/{number}")
        for _ in range(20):
            try:
                with running.connect() as client:
                    client.send("word\n")
                    if own.random() < 0.5:
                        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    else:
                        client.half_close()
                        client.rest()
            except ConnectionError:
                pass

    with ChaosProxy(running.address, seed) as proxy:
        many(lambda number: (slow if number < 5 else churn_on if number < 10 else
                             lambda one: through_proxy(proxy, one))(number), 25)
