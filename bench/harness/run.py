"""Measures: every server under every load, in turns, round after round."""

import json
import os
import subprocess
import sys
import time

from harness import servers as server_list
from harness.ratios import Results

LOAD_PATIENCE = 120  # seconds for one run of the load generator


class Runner:
    """One benchmark run. After run(): results, notes (what was left out, and why), failures."""

    def __init__(self, build, rounds, duration, warm_up, cores):
        self.build, self.rounds, self.duration, self.warm_up, self.cores = build, rounds, duration, warm_up, cores
        self.results, self.notes, self.failures = Results(), [], []
        self._left_out = set()  # (load, server) that need not be tried again

    def run(self, loads, servers, budget=None):
        """Measures all; what an interrupt, or the budget's end, leaves unmeasured is noted.
        @param budget  seconds after which no measurement begins"""
        began, plan = time.monotonic(), in_turns(self.rounds, loads, servers)
        for done, (number, load, server) in enumerate(plan):
            spent = time.monotonic() - began
            progress(f"[{done * 100 // len(plan):3}%] {spent:4.0f} s  round {number + 1} of {self.rounds}: "
                     f"load {load.name}, {server.name}")
            try:
                if budget and spent > budget:
                    raise KeyboardInterrupt
                self.measure(number, load, server)
            except KeyboardInterrupt:
                self.notes.append(f"stopped after {spent:.0f} s: {len(plan) - done} of {len(plan)} measurements were "
                                  "not made")
                break
        progress("")

    def measure(self, number, load, server):
        if (load.name, server.name) in self._left_out:
            return
        try:
            with server_list.Running(server, self.build, load, self.cores[0]) as running:
                self.results.add(number, load.name, server.name, self._load(load, running))
        except server_list.Skipped as reason:
            self._leave_out(load, server, f"{server.title}, load {load.name}: {reason}", self.notes)
        except RuntimeError as error:
            self._leave_out(load, server, f"FAILED {server.title}, load {load.name}: {error}", self.failures)

    def _leave_out(self, load, server, text, to):
        self._left_out.add((load.name, server.name))
        to.append(text)
        progress("")
        print(text, file=sys.stderr)

    def _load(self, load, running):
        command = [str(self.build / "bench" / "bench_load"), *load.arguments(self.duration, self.warm_up),
                   f"--port={running.port}", f"--server={running.pid}", f"--core={self.cores[1]}"]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=LOAD_PATIENCE)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"no end within {LOAD_PATIENCE} s") from None
        if run.returncode != 0:
            raise RuntimeError((run.stderr.strip().splitlines() or [f"status {run.returncode}"])[-1])
        return json.loads(run.stdout)


def in_turns(rounds, loads, servers):
    """@returns (round, load, server) in the order of measuring: each round, another server goes first."""
    return [(number, load, server) for number in range(rounds) for load in loads
            for server in (servers[number % len(servers):] + servers[:number % len(servers)])]


def progress(text):
    """Shows one line, which the next one replaces; nothing when no terminal would show it so."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def two_cores():
    """@returns the cores for the server and for the load: the same one if there is no other."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]
