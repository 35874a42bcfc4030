"""Each folder of the framework includes only what is below it, and public headers only public ones."""

import pathlib
import re
import sys

FLOORS = {"base": 0, "wait": 1, "io": 2, "wire": 2, "observe": 2, "net": 3, "tls": 3, "concurrency": 4, "client": 4, "server": 5, "config": 6,
          "testing": 6, "handlers": 6, "cli": 7}
ROOTS = ("framework/socketserver", "handlers/socketserver")
LIBRARIES = {"asio": {"server"}, "nlohmann": {"config"}, "spdlog": {"observe"}, "CLI": {"cli"}, "boost": {"concurrency"},
             "openssl": {"tls", "testing"}}
# Further sources of a class or a header: the one that each belongs to.
PARTS = {"server/socket_listener_start.cpp": "server/environment.hpp", "config/describe.cpp": "config/load.hpp",
         "testing/sweep_faults.cpp": "testing/sweep.hpp", "testing/sweep_chunks.cpp": "testing/sweep.hpp",
         "testing/simulation/simulated_stream.cpp": "testing/simulation/simulated_network.hpp"}


def public_headers(source):
    return set(re.findall(r"^  (\S+\.hpp)", (source / "framework/public_headers.cmake").read_text(), re.MULTILINE))


def violations(source):
    public = public_headers(source)
    files = set()
    for root in ROOTS:
        for path in sorted((source / root).rglob("*.[hc]pp")):
            name = str(path.relative_to(source / root))
            files.add(name)
            text = path.read_text()
            yield from private_includes(name, text, public)
            if "/" in name:  # socketserver.hpp is the roof
                yield from upward_includes(name, text, public)
    yield from (f"{name}: is in public_headers.cmake, but not in the tree" for name in public - files)
    yield from (f"{name}: has no header in its folder" for name in files
                if name.endswith(".cpp") and PARTS.get(name, name[:-4] + ".hpp") not in files)
    if len(files) < 100:
        yield f"only {len(files)} files found: is this the source folder?"


def private_includes(name, text, public):
    if "/detail/" in name and name.endswith(".hpp") and name not in public:
        yield f"{name}: a private header belongs next to its source, not in detail/"
    if name in public:
        for included in re.findall(r"#include <socketserver/(\S+)>", text):
            if included not in public:
                yield f"{name}: is public and includes {included}, which is not"


def upward_includes(name, text, public):
    folder = name.split("/")[0]
    if folder not in FLOORS:
        yield f"{name}: the folder {folder} is on no floor"
        return
    for included in re.findall(r"#include <socketserver/(\w+)/", text):
        if included != folder and FLOORS.get(included, 99) >= FLOORS[folder]:
            yield f"{name}: includes {included}/, which is not below {folder}/"
    if re.search(r"#include <socketserver/\w+\.hpp>", text):
        yield f"{name}: includes the roof"
    for library, homes in LIBRARIES.items():
        if re.search(rf"#include <{library}[./]", text) and (folder not in homes or name in public):
            yield f"{name}: includes {library}"


found = list(violations(pathlib.Path(sys.argv[1])))
print("\n".join(found) or "every include goes down")
sys.exit(1 if found else 0)
