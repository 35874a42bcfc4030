"""Installed, the library builds the servers and the tests of the README and of the tutorial, with their CMakeLists.txt:
as a stranger would."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from common import PATIENCE, SOURCE, binary, check, equal, main, tests_of

BUILD = pathlib.Path(binary("")).parent


def step(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    check(done.returncode == 0, command, done.stdout[-2000:], done.stderr[-2000:])


def build_with(prefix, source, build):
    cache = (BUILD / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)[1]
    step("cmake", "-S", os.path.join(SOURCE, source), "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
         f"-DCMAKE_CXX_COMPILER={compiler}")
    step("cmake", "--build", build, "--parallel", "2")


def test_it_builds_the_readme_s_and_the_tutorial_s_server_and_test():
    with tempfile.TemporaryDirectory() as folder:
        step("cmake", "--install", str(BUILD), "--prefix", f"{folder}/prefix")
        for source, name in (("tests/readme", "hello"), ("tests/tutorial", "store")):
            build_with(f"{folder}/prefix", source, f"{folder}/{name}")
            done = subprocess.run([f"{folder}/{name}/{name}_server", "--version"], capture_output=True, text=True,
                                  timeout=PATIENCE)
            equal(done.stdout, "0.1.0\n")
            step(f"{folder}/{name}/{name}_test")


main(tests_of(sys.modules[__name__]))
