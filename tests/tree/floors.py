"""Each folder of the framework may include only what is below it."""

import pathlib
import re
import sys

FLOORS = {"base": 0, "io": 1, "wire": 1, "observe": 1, "net": 2, "concurrency": 3, "server": 4, "config": 5,
          "testing": 5, "handlers": 5, "cli": 6}
ROOTS = ("framework/socketserver", "handlers/socketserver")
LIBRARIES = {"asio": {"net", "concurrency", "server"}, "nlohmann": {"config"}, "spdlog": {"observe"}, "CLI": {"cli"},
             "boost": {"concurrency"}}


def violations(source):
    files = 0
    for root in ROOTS:
        for path in sorted((source / root).rglob("*.[hc]pp")):
            parts = path.relative_to(source / root).parts
            files += 1
            if len(parts) == 1:
                continue  # socketserver.hpp, the roof
            folder = parts[0]
            if folder not in FLOORS:
                yield f"{path}: the folder {folder} is on no floor"
                continue
            text = path.read_text()
            for included in re.findall(r"#include <socketserver/(\w+)/", text):
                below = FLOORS.get(included, 99) < FLOORS[folder]
                if included != folder and not below:
                    yield f"{path}: includes {included}/, which is not below {folder}/"
            if re.search(r"#include <socketserver/\w+\.hpp>", text):
                yield f"{path}: includes the roof"
            for library, homes in LIBRARIES.items():
                if re.search(rf"#include <{library}[./]", text):
                    private = path.suffix == ".cpp" or "detail" in parts
                    if folder not in homes or not private:
                        yield f"{path}: includes {library}"
    if files < 30:
        yield f"only {files} files found: is this the source folder?"


found = list(violations(pathlib.Path(sys.argv[1])))
print("\n".join(found) or "every include goes down")
sys.exit(1 if found else 0)
