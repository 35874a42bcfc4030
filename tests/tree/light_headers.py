"""A user's file preprocesses none of the libraries behind the framework."""

import re
import subprocess
import sys

SOURCE, COMPILER = sys.argv[1], sys.argv[2]
USER = "#include <socketserver/socketserver.hpp>\n"

done = subprocess.run([COMPILER, "-std=c++20", "-E", "-x", "c++", "-", f"-I{SOURCE}/framework", f"-I{SOURCE}/handlers"],
                      input=USER, capture_output=True, text=True, check=True)
files = set(re.findall(r'^# \d+ "([^"]+)"', done.stdout, re.MULTILINE))
heavy = [file for file in files if re.search(r"/(asio|nlohmann|spdlog|fmt|CLI)[./]", file)]
ours = [file for file in files if "/socketserver/" in file]
print(f"{len(files)} files, {len(ours)} of them ours; heavy: {heavy}")
sys.exit(1 if heavy or len(ours) < 10 else 0)
