#!/usr/bin/env python3
"""Checks that files do not compile, and that the compiler says why.

Usage: compile_fail.py FOLDER COMPILER ARGUMENT...
A file's first line is "// expect: PHRASE", which an error must contain; the expectation of one that has to compile
begins with "nothing".
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile


def problem(file, command):
    """@returns what is wrong, or an empty text."""
    expected = file.read_text(encoding="ascii").splitlines()[0].removeprefix("// expect: ")
    run = subprocess.run([*command, "-fsyntax-only", file], capture_output=True, text=True, check=False)
    if expected.startswith("nothing"):
        return run.returncode and f"{file} does not compile:\n{run.stderr}"
    if run.returncode == 0:
        return f"{file} compiles"
    errors = [line for line in run.stderr.splitlines() if "error:" in line]
    return "" if any(expected in line for line in errors) else f"no error of {file} says {expected!r}:\n{run.stderr}"


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.cpp"))
    command = sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        # What they all include, compiled once.
        header = pathlib.Path(folder, "struct.hpp")
        header.write_text("#include <socketserver/wire/struct.hpp>\n")
        subprocess.run([*command, "-x", "c++-header", header, "-o", f"{header}.gch"], check=True)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            problems = list(pool.map(lambda file: problem(file, [*command, "-include", header]), files))
    print("\n".join(filter(None, problems)) or f"{len(files)} files: each fails as it should")
    sys.exit(1 if any(problems) or len(files) < 10 else 0)


if __name__ == "__main__":
    main()
