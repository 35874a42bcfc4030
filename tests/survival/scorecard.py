"""Runs the failure scenarios: `scorecard.py BINARIES SOURCE [--row N ...] [--minutes M] [--seed S]`.

Without --minutes each row is tried briefly, as the suite does; with it the rows that get worse with time take that long
together. Prints a table with a figure for each row, and ends with status 1 if one fails. Speed is never held against
the clock, only against a control in the same run."""

import argparse
import pathlib
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "programs"))

import rows  # noqa: E402  (needs the path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binaries")
    parser.add_argument("source")
    parser.add_argument("--row", type=int, action="append", help="only this one (repeatable)")
    parser.add_argument("--minutes", type=float, default=0, help="for the rows that take long, together")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # both ends of thousands of connections
    chosen = [row for row in rows.ROWS if not options.row or row.number in options.row]
    effort = rows.Effort(options.minutes, options.seed, sum(row.share for row in chosen))
    failed = 0
    print("| # | test | figure | |\n|---|---|---|---|", flush=True)
    for row in chosen:
        began = time.monotonic()
        try:
            figure, verdict = row.run(effort), "pass"
        except Exception as error:  # each failure is reported; the other rows still run
            figure, verdict = f"{type(error).__name__}: {error}"[:2000].replace("\n", " "), "FAIL"
            failed += 1
        seconds = time.monotonic() - began
        print(f"| {row.number} | {row.title} | {figure} | {verdict}, {seconds:.0f} s |", flush=True)
    sys.exit(1 if failed or not chosen else 0)


main()
