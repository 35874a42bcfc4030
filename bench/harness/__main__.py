"""scripts/bench, once all is built."""

import argparse
import json
import pathlib
import resource
import sys

from harness import acceptance, loads, machine, plot, publish, report, run, servers

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
QUICK_BUDGET = 105  # seconds; with the last measurement and the plot, two minutes


def options():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Compares our policies with other servers.")
    parser.add_argument("--quick", action="store_true", help="all of it once, briefly: within two minutes")
    parser.add_argument("--rounds", type=int, help="how often everything is measured (5)")
    parser.add_argument("--duration", type=float, help="seconds of each measurement (2)")
    parser.add_argument("--warm-up", type=float, help="seconds before each (0.5)")
    parser.add_argument("--only", metavar="LOADS", help=",".join(load.name for load in loads.LOADS))
    parser.add_argument("--servers", metavar="NAMES", help=",".join(server.name for server in servers.SERVERS))
    parser.add_argument("--publish", action="store_true", help="put table and plot into docs/, too")
    parser.add_argument("--strict", action="store_true", help="end with status 1 unless every limit holds")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench", help=argparse.SUPPRESS)
    given = parser.parse_args()
    usual = (1, 0.3, 0.1) if given.quick else (5, 2.0, 0.5)
    for name, value in zip(("rounds", "duration", "warm_up"), usual):
        if getattr(given, name) is None:
            setattr(given, name, value)
    try:
        given.loads = loads.by_names(given.only.split(",")) if given.only else list(loads.LOADS)
        given.peers = servers.by_names(given.servers.split(",")) if given.servers else list(servers.SERVERS)
    except ValueError as error:
        parser.error(str(error))
    return given


def raise_descriptor_limit():
    """For this process and its children: two ends of 15,000 connections, each in a process of its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def write(folder, runner, given, where):
    """@returns the report, after writing it, the figures and the plot to the folder."""
    text = report.document(runner.results, given.loads, given.peers, where, runner.failures + runner.notes)
    (folder / "results.md").write_text(text)
    (folder / "results.json").write_text(json.dumps({"machine": where, "notes": runner.notes,
                                                     "failures": runner.failures, "rows": runner.results.rows}, indent=1))
    try:
        plot.draw(runner.results, given.loads, given.peers, folder / "results")
    except ImportError as error:
        print(f"no plot: {error} (package python3-matplotlib)", file=sys.stderr)
    return text


def main():
    given = options()
    raise_descriptor_limit()
    where = machine.describe(ROOT)
    where["run"] = f"{given.rounds} rounds of {given.duration:g} s after {given.warm_up:g} s"
    cores = run.two_cores()
    if cores[0] == cores[1]:
        print("only one core: server and load share it, and the figures say little", file=sys.stderr)
    runner = run.Runner(given.build, given.rounds, given.duration, given.warm_up, cores)
    runner.run(given.loads, given.peers, QUICK_BUDGET if given.quick else None)
    print(write(given.build, runner, given, where))
    print(f"written: {given.build}/results.md, .json, .png, .svg")
    if given.publish:
        publish.publish(ROOT, given.build)
    verdicts = [acceptance.judge(runner.results, limit)[0] for limit in acceptance.LIMITS]
    return 1 if runner.failures or (given.strict and set(verdicts) != {"pass"}) else 0


sys.exit(main())
