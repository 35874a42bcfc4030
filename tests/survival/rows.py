"""The rows of the scorecard. Each takes an Effort and returns a figure, or raises."""

import contextlib
import dataclasses
import os
import pathlib
import random
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from certificates import TlsClient, authority, tls_server
from chaos_proxy import RESET, ChaosProxy
from common import BINARIES, PATIENCE, SANITIZED, SOURCE, Client, Server, check, equal, eventually, set_key
from process import Process, unsent

ONE_LOOP = "fiber, one loop"
UNBOUNDED = ("thread", "fiber", ONE_LOOP)
CONCURRENT = ("thread", "pool", "fiber", ONE_LOOP)
ALL = ("inline", *CONCURRENT)
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
    # Enough workers that a pool has room for what the rows do at the same time.
    threads = {"fiber": 2, ONE_LOOP: 1}.get(policy, 64)
    return Server(name, "--policy", policy.split(",")[0], *set_key("/concurrency/threads", threads), *arguments, **options)


def latency(address, times=200):
    """@returns the median of `times` new clients' times to their first answer, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        with Client(address) as client:
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


def budget(running, name):
    """@returns what is taken of a budget, and its limit, as SIGUSR1 has the server write them."""
    known = len(running.lines)
    running.signal(signal.SIGUSR1)
    found = re.search(rf"{name} (\d+) of (\d+)", running.wait_for_line("budgets: .*", after=known)[0])
    return int(found[1]), int(found[2])


def balanced(running):
    """@returns the counters, once no connection is active."""
    check(eventually(lambda: counters(running)["active"] == 0), "connections stay active:", running.lines[-1])
    found = counters(running)
    equal(found["accepted"], sum(found[name] for name in ("active", "served", "rejected", "timed out", "failed")))
    return found


def resources(process):
    return process.descriptors(), process.threads()


def settled(process):
    """@returns the resources, once they stay as they are: what an ended connection had goes a little later than it."""
    found = None
    while found != (now := resources(process)):
        found = now
        time.sleep(0.5)
    return found


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


def suite(script, what, *tests):
    """A row that a program of the suite tries already, or these tests of it."""
    done = subprocess.run([sys.executable, os.path.join(SOURCE, "tests/programs", script), BINARIES, SOURCE, *tests],
                          capture_output=True, text=True, timeout=600)
    check(done.returncode == 0, done.stdout)
    found = re.findall(r"^ok +\w+: (.*)", done.stdout, re.MULTILINE)
    return "; ".join([f"{what}: {done.stdout.splitlines()[-1]}", *found])


def tool(*command):
    """@returns what a tool of the tree prints. What it had to say of a failure is at the end."""
    done = subprocess.run(command, cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check(done.returncode == 0, done.stdout[-1000:])
    return done.stdout


@row(1, "many idle connections")
def idle_connections(effort):
    figures = []
    for policy, full in (("thread", 1000), ("fiber", 10000), (ONE_LOOP, 10000)):
        count = effort.count(500, full)
        with server("uppercase_server", policy, *set_key("/timeouts/idle", None),
                    *set_key("/limits/max_connections", count + 10)) as running, server("uppercase_server", policy) as empty:
            process = Process(running.pid)
            latency(running.address)  # warms up
            before = process.memory()
            clients = [running.connect() for _ in range(count)]
            for client in clients:
                equal(client.ask("a"), "A")
            held = process.memory()
            share = process.cpu_share(effort.count(2, 10))
            check(share < 0.05, "idle, it takes", share, "of a core")
            check(process.memory() - held < 1024, "memory grows while nothing happens:", held, process.memory())
            turns = [(latency(running.address), latency(empty.address)) for _ in range(3)]
            loaded, control = map(min, zip(*turns))
            if effort.minutes:
                check(loaded < max(10, 3 * control), "a new client takes", loaded, "ms with them, else", control)
            for client in clients:
                client.close()
            figures.append(f"{policy} {count}: {(held - before) / count:.1f} KiB each, {share:.1%} of a core, "
                           f"a line {loaded:.2f} ms ({control:.2f} at an empty server)")
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
    for policy in CONCURRENT:
        with server("uppercase_server", policy, *set_key("/timeouts/linger", 0.1)) as running:
            process, dice = Process(running.pid), random.Random(effort.seed)
            churn(running, effort.count(200, 2000), dice)
            balanced(running)
            before, warm = settled(process), process.memory()
            end, count = time.monotonic() + effort.seconds(2 / len(CONCURRENT), 0), 0
            while count < 300 or time.monotonic() < end:
                churn(running, 100, dice)
                count += 100
            balanced(running)
            check(eventually(lambda: resources(process) == before), "descriptors, threads:", before, resources(process))
            check(SANITIZED or process.memory() < warm + 2048, "memory:", warm, process.memory())
            figures.append(f"{policy} {count}, memory {process.memory() - warm:+} KiB")
    return "; ".join(figures)


@row(3, "slow clients, a byte a second, together with 50 good ones")
def slow_clients(effort):
    return "; ".join(f"{policy} {slow_beside_good(effort, policy)}" for policy in UNBOUNDED)


class Flood:
    """A client that sends empty lines as fast as they are answered, until it is stopped."""

    def __init__(self, running):
        self.client, self.over, self.answered = running.connect(), threading.Event(), 0
        self.threads = [threading.Thread(target=work) for work in (self._send, self._read)]
        for thread in self.threads:
            thread.start()
        check(eventually(lambda: self.answered > 65536), "the flood is not answered")

    def _send(self):
        while not self.over.is_set():
            self.client.send("\n" * 4096)
        self.client.half_close()

    def _read(self):
        while part := self.client.socket.recv(65536):
            self.answered += len(part)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.client.close()


def slow_beside_good(effort, policy):
    count, read = effort.count(100, 1000), effort.count(2, 10)
    with server("uppercase_server", policy, *set_key("/timeouts/read", read)) as running:
        good = [running.connect() for _ in range(50)]

        def p99(times=20):
            taken = []
            for client in good * times:
                began = time.perf_counter()
                equal(client.ask("good"), "GOOD")
                taken.append((time.perf_counter() - began) * 1000)
            return sorted(taken)[len(taken) * 99 // 100]

        control = p99()
        flooding = Flood(running)
        flooded = p99(2)
        flooding.end()
        began = time.monotonic()
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
        loaded = p99()
        if effort.minutes:
            check(counters(running)["active"] == count + len(good), "the slow ones are gone before the good ones were measured")
        # The read deadline ends them, however they drip; a reset is what their last bytes may get.
        for client in slow:
            check(client.rest() in (b"", None))
        last = time.monotonic() - began
        over.set()
        dripping.join()
        for client in slow + good:
            client.close()
        equal(balanced(running)["timed out"], count)
        if effort.minutes:
            check(loaded < max(10, 2 * control), "p99 of the good ones:", loaded, "ms, alone", control)
        return (f"{count} closed within {last:.1f} s at {read} s; p99 of the good {loaded:.1f} ms, alone {control:.1f}, "
                f"with a flood of {flooding.answered >> 10} KiB {flooded:.1f}")


@row(4, "clients that connect and stay silent, or are gone at once")
def silent_clients(effort):
    figures = []
    for policy in CONCURRENT:
        count = effort.count(100, 1000)
        with server("uppercase_server", policy, *set_key("/timeouts/idle", 1), "--threads", "2") as running:
            clients = [running.connect() for _ in range(count // 2)]
            for _ in range(count // 2):  # and peers that are gone again
                with running.connect() as client:
                    client.reset()
            equal(running.ask("honest"), "HONEST")
            began = time.monotonic()
            clients += [running.connect() for _ in range(count // 2)]
            for client in clients:
                equal(client.rest(), b"")
                client.close()
            equal(balanced(running)["timed out"], count)
            figures.append(f"{policy} {count} closed within {time.monotonic() - began:.1f} s")
    return "; ".join(figures)


def tcp_pages():
    """What the kernel keeps for TCP, of all processes."""
    return int(re.search(r"^TCP: .* mem (\d+)", pathlib.Path("/proc/net/sockstat").read_text(), re.MULTILINE)[1])


def deaf_client(address):
    """Connects with a small window."""
    client = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(PATIENCE)
    client.connect(address)
    return client


@row(5, "clients that never read")
def deaf_clients(effort):
    """Their own sockets take little, so that what the kernel keeps for TCP is what the server has sent."""
    figures = []
    for policy in CONCURRENT:
        count = effort.count(10, 50 if policy == "pool" else 100)  # a pool has workers left for the others
        with server("probe_server", policy, *set_key("/timeouts/write", 1)) as running:
            process = Process(running.pid)
            equal(running.ask("x"), "x")
            before = process.memory()
            process.forget_peak()
            kernel_before = tcp_pages()
            clients = [deaf_client(running.address) for _ in range(count)]
            for client in clients:
                client.sendall(b"mebibyte\n")  # of reply, and more than the kernel's buffers take in the next lines
                client.sendall(b"mebibyte\n" * 20)
            equal(running.ask("still here"), "still here")
            kernel_peak = tcp_pages()
            check(eventually(lambda: counters(running)["timed out"] == count), running.lines[-1])
            if effort.minutes:  # else other tests use the kernel at the same time
                check(kernel_peak - kernel_before > count * 50, "the kernel kept nothing:", kernel_before, kernel_peak)
                check(eventually(lambda: tcp_pages() - kernel_before < (kernel_peak - kernel_before) // 4),
                      "the kernel keeps what was timed out, in pages:", kernel_before, kernel_peak, tcp_pages())
            grown = process.peak() - before
            check(SANITIZED or grown < count * 3 * 1024, "memory grew by", grown, "KiB")
            # And what they did not read does not stay in the kernel, although none of them has closed.
            check(eventually(lambda: unsent(running.address[1]) == 0), "the kernel keeps", unsent(running.address[1]))
            for client in clients:
                client.close()
            balanced(running)
            figures.append(f"{policy} {count} closed at the write deadline, {grown // count} KiB each at most, "
                           f"{(kernel_peak - kernel_before) * 4 // count} KiB in the kernel, {tcp_pages() - kernel_before} pages later")
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
            process.forget_peak()
            with running.connect() as client:
                try:
                    for _ in range(size):
                        client.send(b"x" * 2**20)
                except OSError:
                    pass  # closed long before
                client.rest()
            equal(running.ask("y"), "Y")
            grown = process.peak() - before
            check(SANITIZED or grown < 1024, "memory grew by", grown, "KiB")
            equal(balanced(running)["failed"], 1)
            equal(len([line for line in running.lines if "65536" in line and "line" in line]), 1)
            figures.append(f"{policy} {grown:+} KiB")
    return f"{size} MiB: " + ", ".join(figures)


@row(7, "descriptors run out")
def few_descriptors(effort):
    figures = []
    for policy in CONCURRENT:
        with server("uppercase_server", policy) as running:
            process = Process(running.pid)
            equal(running.ask("x"), "X")
            check(eventually(lambda: counters(running)["active"] == 0))
            lines = len(running.lines)
            old = process.limit_descriptors(process.descriptors() + 20)
            clients = []
            for _ in range(50 if policy == "pool" else 200):  # a pool has workers left for the one that comes last
                clients.append(socket.create_connection(running.address, PATIENCE))
            share = process.cpu_share(effort.count(2, 10))
            said = len(running.lines) - lines
            check(running.process.poll() is None, "it has ended")
            check(share < 0.05, "it spins:", share, "of a core")
            check(said <= 20, said, "lines", running.lines[-3:])
            process.limit_descriptors(old[0])
            began = time.monotonic()
            equal(running.ask("again"), "AGAIN")
            after = time.monotonic() - began
            check(not effort.minutes or after < 3, "accepts again only after", after, "s")
            for client in clients:
                client.close()
            found = balanced(running)
            figures.append(f"{policy} {share:.1%} of a core, {said} lines, {found['accept errors']} failed accepts, "
                           f"accepts again after {after:.2f} s")
            ended_hold_descriptors(policy)
    return "; ".join(figures)


def ended_hold_descriptors(policy):
    """Clients that were answered, and neither close nor let the server's ends go."""
    with server("probe_server", policy, *set_key("/timeouts/linger", 600)) as running:
        process = Process(running.pid)
        equal(running.ask("x"), "x")
        process.limit_descriptors(process.descriptors() + 20)
        ended = []
        for _ in range(60):
            with contextlib.suppress(ConnectionError):  # turned away
                ended.append(running.connect())
                ended[-1].send("leave\n")
                ended[-1].rest()

        def answered():
            with contextlib.suppress(ConnectionError):
                return running.ask("again") == "again"
        check(eventually(answered), "no client is accepted:", running.lines[-3:])
        for client in ended:
            client.close()


@row(8, "more connections than max_connections")
def too_many(effort):
    figures = []
    most, more = 50, effort.count(20, 100)
    for policy in CONCURRENT:
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
            told = ("counted: ", "budgets: ")  # which have the word in their names
            check(not [line for line in running.lines if line and "error" in line and not any(map(line.__contains__, told))])
            client.close()
            equal(running.stop(), 0)
    return f"{count} under each policy, status 0"


@row(12, "restart with 50 open connections")
def restart(effort):
    count, port, longest = effort.count(5, 20), 0, 0
    for policy in CONCURRENT:
        for _ in range(count):
            began = time.monotonic()
            with server("uppercase_server", policy, "--port", str(port)) as running:
                longest = max(longest, time.monotonic() - began)
                port = running.address[1]
                clients = [running.connect() for _ in range(50)]
                for client in clients:
                    equal(client.ask("x"), "X")
                equal(running.stop(), 0)
                for client in clients:
                    equal(client.rest(), b"")
                    client.close()
    check(not effort.minutes or longest < 3, "it listens only after", longest, "s")
    return f"{count} times under each policy on one port, listening after {longest:.2f} s at most"


@row(13, "bytes one by one, half-closes, resets in the middle, data with the FIN", share=1)
def chaos(effort):
    figures = []
    for policy in ALL:
        with server("uppercase_server", policy, *set_key("/timeouts/linger", 0.1)) as running:
            process = Process(running.pid)
            with running.connect() as client:
                client.socket.send(b"x and the end", socket.MSG_MORE)  # kept back, so that the FIN comes with it
                client.half_close()
                equal(client.rest(), b"X AND THE END")
            balanced(running)
            before = settled(process)
            answered = reset = round_number = 0
            end = time.monotonic() + effort.seconds(1 / len(ALL), 0)
            while not (answered and reset) or time.monotonic() < end:
                check(round_number < 50 or answered and reset, "of all", answered, "answered,", reset, "reset")
                seed = f"{effort.seed}/{policy}/{round_number}"
                with ChaosProxy(running.address, seed) as proxy:
                    whole, cut = talk_through(proxy, 20)
                answered, reset, round_number = answered + whole, reset + cut, round_number + 1
            balanced(running)
            check(eventually(lambda: resources(process) == before), before, resources(process))
            figures.append(f"{policy} {answered} answered, {reset} reset")
    return "; ".join(figures)


def talk_through(proxy, count):
    """@returns how many clients were answered in full, and how many were cut off by a reset."""
    found = [0, 0]
    lock = threading.Lock()

    def talk(number):
        lines = 2000 if number % 7 == 6 else number % 7 + 1  # some answers are under way when the reset comes
        text = "".join(f"line {i} of {number}, which is {'long ' * (lines > 7) * 20}\n" for i in range(lines)) + "rest"
        try:
            with Client(proxy.address) as client:
                client.send(text)
                client.half_close()  # at once, so that it comes with data
                reply = client.rest()
        except ConnectionError:
            reply = None
        expected = text.upper().encode()
        whole = reply == expected
        # If not, the proxy has cut it off, and what came is the beginning.
        check(whole or reply is None or expected.startswith(reply), "sent", text[:200], "got", (reply or b"")[-200:])
        with lock:
            found[not whole] += 1
    many(talk, count)
    check(found[1] <= proxy.reset_connections, found[1], "cut off, but the proxy has reset", proxy.reset_connections)
    equal(proxy.broken_connections, 0)
    return found


@row(14, "a handler throws every seventh time", share=1)
def throwing_handlers(effort):
    figures = []
    for policy in ALL:
        # By turns from handle, of no standard type, from setup and from finish: see probe_server.
        with server("probe_server", policy, *set_key("/app", {"throw_every": 7})) as running:
            first = running.connect()  # is the first
            if policy != "inline":
                equal(first.ask("first"), "first")
            else:
                first.half_close()
                first.rest()
            end, total = time.monotonic() + effort.seconds(1 / len(ALL), 0), 1
            while total < 70 or time.monotonic() < end:
                with running.connect() as client:
                    client.send("hello\n")
                    client.half_close()
                    client.rest()
                total += 1
                if policy != "inline":
                    equal(first.ask("still here"), "still here")
            first.close()
            found = balanced(running)
            equal((found["failed"], found["served"]), (total // 7, total - total // 7))
            figures.append(f"{policy} {total // 7} of {total}")
    return "; ".join(figures)


@row(15, "a handler blocks")
def blocking_handler(_):
    """It blocks until a client that was answered meanwhile unblocks it."""
    for policy in CONCURRENT:
        with server("probe_server", policy) as running:
            clients = [running.connect() for _ in range(8)]
            homes = [client.ask("thread") for client in clients]
            with running.connect() as blocking:
                home = blocking.ask("thread")
                how = "offload" if "fiber" in policy else "block"
                blocking.send(f"{how}\n")
                for client in clients:
                    equal(client.ask("x"), "x")
                equal(clients[0].ask("unblock"), "unblock")
                equal(blocking.line(), how)
                if policy == "fiber":  # without offload its loop stands, and is named; the other one runs
                    blocking.send("block\n")
                    running.wait_for_line("has blocked its fiber loop")
                    others = [client for client, place in zip(clients, homes) if place != home]
                    for client in others:
                        equal(client.ask("x"), "x")
                    equal(others[0].ask("unblock"), "unblock")
                    equal(blocking.line(), "block")
            for client in clients:
                client.close()
    return "others answered meanwhile under " + "; ".join(CONCURRENT)


@row(16, "bad configurations")
def bad_configurations(_):
    return suite("configurations.py", "configurations.py")


@row(17, "a peer's bytes in the log")
def logged_bytes(_):
    longest = 0
    for policy in ALL:
        with server("probe_server", policy, "--log-level", "debug") as running:
            with running.connect() as client:
                hostile = b"[forged\r\x1b[31m \xe2\x80\xaeentry " + b"y" * 2048  # and U+202E, which reverses it
                client.send(b"first\x00\nthrow " + hostile + b"\n")  # in the log as bytes, and as what the handler throws
                equal(client.line(), "first\x00")
                equal(client.rest(), b"")
            running.wait_for_line(r"received \d+ bytes: first\\x00\\nthrow \[forged\\r\\x1b\[31m \\xe2\\x80\\xaeentry y+")
            running.wait_for_line(r"on request \[forged\\r\\x1b\[31m \\xe2\\x80\\xaeentry y{900}")
            equal(running.stop(), 0)
            lines = [line for line in running.lines if line]
            equal([line for line in lines if not re.match(r"\[probe_server \(\d+\)\] ", line)], [])
            check(all(line.isprintable() and len(line) < 1200 for line in lines), max(lines, key=len))
            longest = max(longest, *map(len, lines))
    return f"one line each under every policy, the longest of {longest} bytes"


@row(18, "the wall clock jumps")
def wall_clock(_):
    library = pathlib.Path(BINARIES, "libwall_clock_jumps.so")
    figures = []
    for policy in ALL:
        with server("uppercase_server", policy, *set_key("/timeouts/idle", 1.5),
                    environment={"LD_PRELOAD": str(library)}) as running:
            check(str(library) in pathlib.Path(f"/proc/{running.pid}/maps").read_text(), "not preloaded")
            with running.connect() as client:
                began = time.monotonic()
                equal(client.ask("x"), "X")
                equal(client.rest(), b"")
                taken = time.monotonic() - began
            check(taken >= 1.5, "closed early, after", taken, "s")
            equal(balanced(running)["timed out"], 1)
            equal(running.stop(), 0)
            figures.append(f"{policy} {taken:.1f} s")
    return "idle for 1.5 s, closed after: " + ", ".join(figures)


@row(19, "no thread can be started, and memory runs out")
def no_room(effort):
    fails = "where one operator new in 5 fails " + "; ".join(memory_fails(policy, effort) for policy in ALL)
    if SANITIZED:  # its own memory has no limit
        return fails
    no_thread()
    figures = [no_memory(policy, effort.count(300, 1000)) for policy in ALL]
    return "20 without a thread refused and counted; without memory " + "; ".join([*figures, fails])


def no_thread():
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


def no_memory(policy, count):
    """Clients with much of a line, and not one page more for the server than it has."""
    with server("uppercase_server", policy, *set_key("/concurrency/queue", 5000)) as running:
        process = Process(running.pid)
        equal(running.ask("x"), "X")
        process.limit_memory(0)
        clients = [running.connect() for _ in range(count)]
        for client in clients:
            try:
                client.send("y" * 60000)
            except OSError:
                pass  # turned away already
        for client in clients:
            client.close()
        process.limit_memory(None)
        equal(running.ask("again"), "AGAIN")
        found = balanced(running)
        check(found["failed"] > 0, "the limit was none")
        return f"{policy} {found['accepted']} of {count + 2} accepted, {found['failed']} failed"


def memory_fails(policy, effort):
    """Wherever memory is asked for it may be refused, while clients come and go, and then during the stop."""
    count, dice = effort.count(100, 1000), random.Random(effort.seed)
    with server("probe_server", policy, *set_key("/concurrency/queue", 5000), *set_key("/timeouts/linger", 0.1),
                environment={"PROBE_FAIL_ONE_IN": "5"}) as running:
        process = Process(running.pid)
        equal(running.ask("x"), "x")
        balanced(running)
        before = settled(process)

        def turn(what):
            known = len(running.lines)
            running.signal(signal.SIGUSR2)
            running.wait_for_line(f"^memory is {what}", after=known)
        turn("short")
        for _ in range(count):
            with contextlib.suppress(ConnectionError), running.connect() as client:
                client.send("word\n" * dice.randrange(3))
                if dice.random() < 0.3:
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                else:
                    client.half_close()
                    check((client.rest() or b"") in b"word\nword\n", "an answer without a question")
        turn("there")
        equal(running.ask("again"), "again")
        found = balanced(running)
        equal(found["accepted"] + found["accept errors"], count + 2)
        check(found["accept errors"] > 0 and found["failed"] > 0, "no memory was refused:", found)
        check(eventually(lambda: resources(process)[0] == before[0]), "descriptors:", before, resources(process))
        clients = [running.connect() for _ in range(5)]
        turn("short")
        equal(running.stop(), 0)
        for client in clients:
            client.close()
        return f"{policy} {found['served']} of {count + 2} served"


@row(20, "bytes that a fuzzer finds", share=2)
def fuzzed(effort):
    minutes = max(1, round(effort.seconds(1, 60) / 60))
    done = tool("scripts/fuzz", "--minutes", str(minutes))
    found = re.findall(r"^fuzz (\w+) +(\d+) executions, (\d+) s of CPU", done, re.MULTILINE)
    equal(len(found), 4)
    return ", ".join(f"{target} {executions} executions in {seconds} s of CPU" for target, executions, seconds in found)


@row(21, "the suite under sanitizers")
def sanitized(_):
    figures = []
    for preset in ("asan", "tsan"):
        (passed,) = re.findall(r"100% tests passed, 0 tests failed out of (\d+)", tool("scripts/test", preset))
        figures.append(f"{preset} {passed} of {passed}")
    return ", ".join(figures) + ", no report"


@row(22, "churn, slow clients, throwing handlers, half-closes and resets together", share=12)
def all_together(effort):
    figures = [None] * len(CONCURRENT)

    def under(number):
        figures[number] = mixed(CONCURRENT[number], effort)
    many(under, len(CONCURRENT))  # so each has all of the time
    return "; ".join(figures)


def mixed(policy, effort):
    with server("probe_server", policy, *set_key("/app", {"throw_every": 7}), *set_key("/timeouts/read", 2),
                *set_key("/timeouts/linger", 0.1)) as running:
        process = Process(running.pid)
        answered = mixture(running, f"{effort.seed}/{policy}")
        balanced(running)
        before, warm = settled(process), process.memory()
        end, rounds = time.monotonic() + effort.seconds(12, 0), 0
        while rounds == 0 or time.monotonic() < end:
            answered += mixture(running, f"{effort.seed}/{policy}/{rounds}")
            rounds += 1
        found = balanced(running)
        check(answered > 0, "no client was answered")
        check(eventually(lambda: resources(process) == before), "descriptors, threads:", before, resources(process))
        check(SANITIZED or process.memory() < warm + 8192, "memory:", warm, process.memory())
        return (f"{policy} {found['accepted']} connections = {found['served']} served + {found['failed']} failed + "
                f"{found['timed out']} timed out, {answered} answered in full, memory {process.memory() - warm:+} KiB")


def mixture(running, seed):
    """All kinds of clients at once, for a few seconds. @returns how many conversations were answered in full."""
    whole = []

    def converse(client, text):
        client.send(text)
        client.half_close()
        reply = client.rest() or b""
        # The handler may have thrown, and the proxy have reset.
        check(text.encode().startswith(reply), "sent", text, "got", reply)
        if reply == text.encode():
            whole.append(text)

    def slow():
        with running.connect() as client:
            while True:  # until the read deadline
                client.send("s")
                if select.select([client.socket], [], [], 0.5)[0]:
                    equal(client.rest() or b"", b"")
                    return

    def through_proxy(number):
        with Client(proxy.address) as client:
            converse(client, "".join(f"line {i}\n" for i in range(number % 5 + 1)))

    def churn_on(number):
        own = random.Random(f"{seed}/{number}")
        for _ in range(20):
            with contextlib.suppress(ConnectionError), running.connect() as client:
                if own.random() < 0.5:
                    client.send("word\n")
                    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                else:
                    converse(client, "word\n")

    def work(number):
        with contextlib.suppress(ConnectionError):  # a handler threw, the proxy reset, or the deadline came between two bytes
            slow() if number < 5 else churn_on(number) if number < 10 else through_proxy(number)

    with ChaosProxy(running.address, seed) as proxy:
        many(work, 25)
    return len(whole)


@row(23, "the log's file cannot be opened again")
def log_that_cannot_be_reopened(effort):
    for policy in ALL:
        with tempfile.TemporaryDirectory() as folder:
            kept, path = os.path.join(folder, "kept"), os.path.join(folder, "logs", "server.log")
            os.mkdir(os.path.dirname(path))
            with server("probe_server", policy, log_file=path) as running:
                for number in range(effort.count(3, 50)):
                    os.rename(os.path.dirname(path), kept)  # a mount that goes, and comes back
                    running.signal(signal.SIGHUP)
                    lost = os.path.join(kept, "server.log")
                    check(eventually(lambda: pathlib.Path(lost).read_text().count("still writing to the old one") == number + 1))
                    equal(running.ask("x"), "x")
                    os.rename(kept, os.path.dirname(path))
                os.rename(path, path + ".1")
                running.signal(signal.SIGHUP)
                check(eventually(lambda: os.path.exists(path) and "log file reopened" in pathlib.Path(path).read_text()))
                equal(running.ask("y"), "y")
                equal(running.stop(), 0)
    return "the old file is kept, the new one is taken, under every policy"


@row(24, "accept fails for good")
def forbidden_accept(_):
    return suite("limits.py", "limits.py", "test_an_accept_that_fails_for_good_neither_spins_nor_holds_up_a_stop")


@row(25, "peers that cause log lines again and again")
def log_flood(_):
    return suite("endings.py", "endings.py", "test_what_peers_cause_fills_no_log", "test_what_resets_cause_fills_no_log")


@row(26, "ended connections that their peers keep open")
def lingering(effort):
    """What lingers is bounded, and costs those that are served nothing."""
    figures = []
    for policy in CONCURRENT:
        count = effort.count(100, 1000)
        with server("probe_server", policy, *set_key("/timeouts/linger", 600), *set_key("/limits/max_line", 10),
                    *set_key("/limits/max_connections", 40)) as running:
            kept = []
            for _ in range(count):
                kept.append(running.connect())
                kept[-1].send("a line that is too long\n")
                equal(kept[-1].rest(), b"")  # and does not close
            equal(running.ask("x"), "x")
            used, limit = budget(running, "lingering")
            equal(limit, 40)
            check(eventually(lambda: budget(running, "lingering")[0] <= limit), "they are", used)
            equal(budget(running, "connections")[1], 40)
            for client in kept:
                client.close()
            check(eventually(lambda: budget(running, "lingering")[0] == 0))
            figures.append(f"{policy} {used} of {count}")
    return "; ".join(figures)


@row(27, "names that hang")
def hanging_names(effort):
    if SANITIZED:  # the preloaded library would come before its runtime
        return "not under a sanitizer"
    figures = []
    for policy in ALL:
        with server("probe_server", policy, environment={"LD_PRELOAD": f"{BINARIES}/libhanging_names.so"}) as running:
            count = 4 if policy == "inline" else effort.count(40, 60)
            answers = [None] * count

            def ask(me):
                answers[me] = running.ask(f"resolve {me}.bad.test")
            many(ask, count)
            check(all("cannot look up" in answer for answer in answers), answers)
            equal(running.ask("resolve good.test"), "127.0.0.1:7")
            used, limit = budget(running, "look-ups")
            check(used <= limit // 2, used, "of", limit)
            figures.append(f"{policy} {used} of {limit} look-ups under way, another name answered")
    return "; ".join(figures)


@row(28, "silent clients of a TLS listener, together with 50 good ones")
def silent_tls_clients(effort):
    return "; ".join(f"{policy} {silent_beside_good(effort, policy)}" for policy in UNBOUNDED)


def silent_beside_good(effort, policy):
    """Rounds alternate between the good clients alone and with the silent ones, so that both meet the same machine."""
    count, seconds = effort.count(100, 1000), effort.count(1, 10)
    alone, together = [], []
    with authority() as ca, tls_server([ca.issue("server")], "--policy", policy.split(",")[0],
                                       *set_key("/concurrency/threads", 1 if policy == ONE_LOOP else 2),
                                       *set_key("/timeouts/handshake", seconds)) as running:
        good = [TlsClient(running, ca.context()) for _ in range(50)]

        def ask_all(taken, times=20):
            for client in good * times:
                began = time.perf_counter()
                equal(client.ask("good"), "GOOD")
                taken.append((time.perf_counter() - began) * 1000)

        rounds = effort.count(1, 3)
        for _ in range(rounds):
            ask_all(alone)
            silent = [running.connect() for _ in range(count)]
            ask_all(together)
            for client in silent:
                check(client.rest() in (b"", None))
                client.close()
        for client in good:
            client.socket.unwrap()
            client.close()
        found = balanced(running)
        equal((found["timed out"], found["failed"]), (count * rounds, 0))
    p99, control = (sorted(taken)[len(taken) * 99 // 100] for taken in (together, alone))
    if effort.minutes:
        check(p99 <= 1.5 * control, f"p99 of the good {p99:.1f} ms, alone {control:.1f}")
    return f"{count * rounds} closed at {seconds} s; p99 of the good {p99:.1f} ms, alone {control:.1f}"
