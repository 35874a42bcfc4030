#!/usr/bin/env python3
"""Checks that a file does not compile, and that the compiler says why.

Usage: compile_fail.py FILE COMPILER ARGUMENT...
The file's first line is "// expect: PHRASE", which an error must contain; the expectation of one that has to compile
begins with "nothing".
"""

import pathlib
import subprocess
import sys


def main():
    file, *command = sys.argv[1:]
    expected = pathlib.Path(file).read_text(encoding="ascii").splitlines()[0].removeprefix("// expect: ")
    run = subprocess.run([*command, "-fsyntax-only", file], capture_output=True, text=True, check=False)
    if expected.startswith("nothing"):
        sys.exit(run.returncode and f"{file} does not compile:\n{run.stderr}")
    if run.returncode == 0:
        sys.exit(f"{file} compiles")
    errors = [line for line in run.stderr.splitlines() if "error:" in line]
    if not any(expected in line for line in errors):
        sys.exit(f"no error says {expected!r}:\n{run.stderr}")


if __name__ == "__main__":
    main()
