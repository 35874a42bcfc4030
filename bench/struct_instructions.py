#!/usr/bin/env python3
"""Counts the instructions of Struct<"! I 2s Q 2h f"> compared with the same by hand, at -O2.

Usage: struct_instructions.py [compiler]      (g++ unless told; needs valgrind)
Ends with status 1 if pack and unpack together take more than 1.5 times the instructions.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ["bench/struct_instructions.cpp", "framework/socketserver/wire/detail/struct_errors.cpp",
           "framework/socketserver/base/text.cpp"]
LIMIT = 1.5
ROUNDS = 10000


def build(compiler, program):
    subprocess.run([compiler, "-std=c++20", "-O2", "-I", TREE / "framework",
                    *[TREE / source for source in SOURCES], "-o", program], check=True)


def per_call(program, function):
    """The instructions of one call, and what the program printed: the bytes, to compare."""
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          f"--toggle-collect={function}", program, function.split("_")[1], str(ROUNDS)],
                         check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1)) / ROUNDS, run.stdout


def main():
    compiler = sys.argv[1] if len(sys.argv) > 1 else "g++"
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "struct_instructions"
        build(compiler, program)
        counts = {name: per_call(program, name)
                  for name in ("pack_struct", "pack_hand", "unpack_struct", "unpack_hand")}
    if len({printed for _, printed in counts.values()}) != 1:
        sys.exit("the two do not pack the same bytes")
    for name, (count, _) in counts.items():
        print(f"{name:14} {count:6.1f} instructions")
    ratio = ((counts["pack_struct"][0] + counts["unpack_struct"][0]) /
             (counts["pack_hand"][0] + counts["unpack_hand"][0]))
    print(f"{compiler} -O2: pack and unpack take {ratio:.2f} times the instructions of code by hand "
          f"(limit {LIMIT})")
    sys.exit(0 if 0 < ratio <= LIMIT else 1)


if __name__ == "__main__":
    main()
