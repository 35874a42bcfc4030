"""The package as its users have it: what is installed, and a handler outside the tree built on it, run, and tested.

Usage: package.py BINARIES SOURCE WAY, where WAY is one of the functions below without its test_.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../programs"))
from common import BINARIES, SOURCE, PATIENCE, Server, check, equal, main, set_key

BUILD = pathlib.Path(BINARIES).parent
CACHE = (BUILD / "CMakeCache.txt").read_text()
README = pathlib.Path(SOURCE, "tests/readme")
HELLO = (*README.glob("hello_*"), README / "CMakeLists.txt")
TUTORIAL = tuple(pathlib.Path(SOURCE, "tests/tutorial").iterdir())
COMPILER = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", CACHE, re.MULTILINE)[1]
LIBRARIES = re.search(r"^CMAKE_INSTALL_LIBDIR:\w+=(.*)$", CACHE, re.MULTILINE)[1]
SOVERSION = "0.1"
TESTING = "socketserver/testing/"  # of a separate library, which is always static


def step(*command, environment=None):
    """@returns what a command printed; it has to end with 0."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1000,
                          env={**os.environ, **(environment or {})})
    check(done.returncode == 0, " ".join(command), "\n", done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


@contextlib.contextmanager
def consumer(*files):
    """An empty folder with files of the documents, those of the README if none are named, to be built in."""
    with tempfile.TemporaryDirectory() as name:
        yield fill(pathlib.Path(name), *files)


def fill(folder, *files):
    (folder / "consumer").mkdir(parents=True, exist_ok=True)
    for file in files or HELLO:
        shutil.copy2(file, folder / "consumer")
    return folder


def install(folder, *options):
    step("cmake", "--install", BUILD, "--prefix", folder / "prefix", *options)
    return folder / "prefix"


def configuring(folder, *options, into="build"):
    """@returns the command that does."""
    return ("cmake", "-S", folder / "consumer", "-B", folder / into, f"-DCMAKE_CXX_COMPILER={COMPILER}", *options)


def build(folder, *options):
    step(*configuring(folder, *options))
    step("cmake", "--build", folder / "build", "-j2")


def works(folder, library=None, name="hello", question="Ann", answer="Hello, Ann!"):
    """The server answers and stops, its test passes, and both use the library that they should: a folder, or None."""
    environment = {"LD_LIBRARY_PATH": str(library)} if library else {}
    server, test = folder / f"{name}_server", folder / f"{name}_test"
    with Server(server, environment=environment) as running:
        equal(running.ask(question), answer)
        equal(running.stop(), 0)
    equal(step(server, "--version", environment=environment), "0.1.0\n")
    step(test, environment=environment)
    for program in (server, test):
        linked = step("ldd", program, environment=environment)
        found = re.findall(r"libsocketserver\S* => (\S+)", linked)
        equal(found, [f"{library}/libsocketserver.so.{SOVERSION}"] if library else [])


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_find_package():
    with consumer() as folder:
        prefix = install(folder).rename(folder / "moved")  # a prefix may be moved
        build(folder, f"-DCMAKE_PREFIX_PATH={prefix}")
        works(folder / "build")
        build(folder, "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_SKIP_RPATH=ON")
        works(folder / "build", prefix / LIBRARIES)
        # Where both were asked for by name, or something that there is not.
        lists = folder / "consumer/CMakeLists.txt"
        asked = lists.read_text()
        for what, outcome in (("0.1 CONFIG REQUIRED COMPONENTS static testing", 0), ("0.2 CONFIG REQUIRED", 1),
                              ("0.1 CONFIG REQUIRED COMPONENTS tls", 1)):
            lists.write_text(asked.replace("0.1 CONFIG REQUIRED", what))
            done = subprocess.run(configuring(folder, f"-DCMAKE_PREFIX_PATH={prefix}", into="again"),
                                  capture_output=True, text=True, timeout=PATIENCE)
            equal((what, done.returncode), (what, outcome))


def test_pkg_config():
    with consumer() as folder:
        prefix = install(folder).rename(folder / "moved")
        asked = {"PKG_CONFIG_PATH": str(prefix / LIBRARIES / "pkgconfig")}
        equal(step("pkg-config", "--modversion", "socketserver", environment=asked), "0.1.0\n")
        include, *others = step("pkg-config", "--cflags", "socketserver", environment=asked).split()
        equal(os.path.normpath(include.removeprefix("-I")), str(prefix / "include"))
        equal(others, ["-pthread", "-fstack-clash-protection"])  # and nothing of the libraries behind it
        for program, package in (("hello_server", "socketserver"), ("hello_test", "socketserver-testing")):
            flags = step("pkg-config", "--cflags", "--libs", package, environment=asked).split()
            step(COMPILER, "-std=c++20", folder / "consumer" / f"{program}.cpp", "-o", folder / program, *flags)
        works(folder, prefix / LIBRARIES)
        # The static library, with what it needs.
        flags = step("pkg-config", "--static", "--cflags", "--libs", "socketserver", environment=asked)
        step(COMPILER, "-std=c++20", folder / "consumer/hello_server.cpp", "-o", folder / "hello_static",
             *flags.replace("-lsocketserver", "-l:libsocketserver.a").split())
        equal(step(folder / "hello_static", "--version"), "0.1.0\n")


def test_add_subdirectory():
    """The framework as a part of another project; what was compiled is kept for the next time."""
    folder = fill(BUILD / "add_subdirectory", *HELLO[:-1],
                  pathlib.Path(SOURCE, "tests/package/add_subdirectory/CMakeLists.txt"))
    build(folder, f"-DSOCKETSERVER_SOURCE={SOURCE}", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DCMAKE_CXX_FLAGS=-O0 -Werror",
          "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=30", "-GNinja", "--fresh")
    works(folder / "build")
    commands = json.loads((folder / "build/compile_commands.json").read_text())
    check(not [one["file"] for one in commands if re.search("/(tests|examples|bench)/", one["file"])])
    (own,) = [one["command"] for one in commands if "hello_server.dir" in one["command"]]
    forced = set(own.split()[1:]) - {"-O0", "-Werror", "-std=gnu++20", "-std=c++20", "-o", "-c"}
    check(not [flag for flag in forced if flag.startswith(("-W", "-f", "-D", "-O"))
                   and flag != "-fstack-clash-protection"], own)
    cache = (folder / "build/CMakeCache.txt").read_text()
    strangers = re.findall(r"^((?!CMAKE_|SOCKETSERVER_|socketserver_|hello_)\w*SHARED_LIBS)\b", cache, re.MULTILINE)
    equal(strangers, [])


def test_symbols():
    """The shared library exports what the public headers declare, and to socketserver::testing what that needs."""
    with consumer() as folder:
        library = install(folder) / LIBRARIES / f"libsocketserver.so.{SOVERSION}"
        lines = [line for line in step("nm", "-DC", "--defined-only", library).splitlines()
                 if not re.match(r"\w+ A ", line)]  # the versions themselves
        exported = [re.match(r"\w+ (\w) (.*?)@@(\S+)$", line) for line in lines]
        versions = {f"SOCKETSERVER_{SOVERSION}", "SOCKETSERVER_0.1.0_PRIVATE"}
        names = {version: [found[2] for found in exported if found and found[3] == version] for version in versions}
        own = re.compile(r"((typeinfo|typeinfo name|vtable) for )?socketserver::")
        public, private = names[f"SOCKETSERVER_{SOVERSION}"], names["SOCKETSERVER_0.1.0_PRIVATE"]
        equal([name for name in public + private if not own.match(name)], [])
        # What is called in inline code is a user's program's, too.
        headers = "".join(path.read_text() for path in (folder / "prefix/include").rglob("*.hpp"))
        used = {re.search(r"socketserver::detail::(\w+)", name)[1] for name in public if "r::detail::" in name.split("(")[0]}
        equal({name for name in used if not re.search(rf"\b{name}\b", headers)}, set())
        check(private, "nothing for socketserver::testing")
        check(any("socketserver::BaseServer::serve_forever()" == name for name in public), public)
        equal(len(exported), sum(map(bool, exported)))
        check(len(public) > 100, len(public))


def test_inline():
    """Inline code of each public header, and of each template, links against the shared library: issue of Struct's errors."""
    with consumer(pathlib.Path(SOURCE, "tests/package/templates.cpp")) as folder:
        prefix = install(folder)
        headers = sorted((prefix / "include").rglob("*.hpp"))
        check(len(headers) > 40, headers)
        library = [f"-L{prefix / LIBRARIES}", "-lsocketserver", "-pthread", f"-Wl,-rpath,{prefix / LIBRARIES}"]
        flags = ["-std=c++20", "-O0", f"-I{prefix / 'include'}"]
        # -fkeep-inline-functions compiles what nothing calls, so that each of a header's functions is linked.
        everything = folder / "headers.cpp"
        own = [str(header.relative_to(prefix / "include")) for header in headers]
        everything.write_text("".join(f"#include <{name}>\n" for name in own if not name.startswith(TESTING))
                              + "int main() {}\n")
        step(COMPILER, *flags, "-fkeep-inline-functions", everything, "-o", folder / "headers", *library)
        step(COMPILER, *flags, folder / "consumer/templates.cpp", "-o", folder / "templates", *library)
        equal(step(folder / "templates"), "all linked\n")


def test_hardening():
    """What is shipped is compiled and linked as distributions do it. A debug build has no fortified calls."""
    with consumer() as folder:
        prefix = install(folder)
        install(folder, "--component", "examples")
        optimised = not re.search(r"^CMAKE_BUILD_TYPE:\w+=Debug$", CACHE, re.MULTILINE)
        for binary in (prefix / "bin/uppercase_server", prefix / LIBRARIES / f"libsocketserver.so.{SOVERSION}"):
            check(re.search("BIND_NOW|FLAGS.*NOW", step("readelf", "-dW", binary)), binary, "binds late")
            check("GNU_RELRO" in step("readelf", "-lW", binary), binary, "has no RELRO")
            symbols = step("readelf", "--dyn-syms", "-W", binary)
            check("__stack_chk_fail" in symbols, binary, "has no stack protector")
            if optimised:
                check(re.search(r"__\w+_chk\b(?<!stack_chk_fail)", symbols), binary, "has no fortified calls")


def test_install():
    """What goes where."""
    with consumer() as folder:
        installed = files_of(install(folder))
        check({"include/socketserver/socketserver.hpp", "include/socketserver/testing/run_handler.hpp",
               f"{LIBRARIES}/libsocketserver.a", f"{LIBRARIES}/libsocketserver.so.0.1.0",
               f"{LIBRARIES}/libsocketserver_testing.a", f"{LIBRARIES}/cmake/socketserver/socketserverConfig.cmake",
               f"{LIBRARIES}/pkgconfig/socketserver.pc", "share/socketserver/server.schema.json"} <= installed, installed)
        check(not [name for name in installed if name.startswith(("bin/", "etc/"))], installed)
        examples = files_of(install(folder, "--component", "examples")) - installed
        check({"bin/uppercase_server", "etc/socketserver/uppercase.json",
               "lib/systemd/system/socketserver-uppercase.service",
               "etc/logrotate.d/socketserver-uppercase"} <= examples, examples)


def test_deb():
    """Built, installed into a root of their own, used from there, and purged, which leaves nothing."""
    with consumer(*TUTORIAL) as folder:
        step("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder / "packages")
        packages = sorted((folder / "packages").glob("*.deb"))
        equal([package.name.split("_")[0] for package in packages],
              ["libsocketserver-dev", f"libsocketserver{SOVERSION}", "socketserver-examples"])
        needs = [step("dpkg-deb", "-f", package, "Depends") for package in packages]
        check(f"libsocketserver{SOVERSION} (= 0.1.0)" in needs[0] and "libspdlog-dev" in needs[0], needs)
        check("libc6" in needs[1] and "procps" in needs[2] and "libc6" in needs[2], needs)
        root = folder / "root"
        if os.geteuid() == 0:
            (root / "var/lib/dpkg").mkdir(parents=True)
            (root / "var/lib/dpkg/status").touch()
            # The scripts call ldconfig, which an empty root does not have.
            dpkg = ("dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless")
            tools = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}  # where dpkg's helpers are
            step(*dpkg, "--install", *packages, environment=tools)
        else:
            for package in packages:
                step("dpkg-deb", "-x", package, root)
        with Server(root / "usr/bin/uppercase_server", "--config", root / "etc/socketserver/uppercase.json",
                    *set_key("/log/file", None)) as server:
            equal(server.ask("from a package"), "FROM A PACKAGE")
            equal(server.stop(), 0)
        store = {"name": "store", "question": "set tea green", "answer": "ok"}
        build(folder, f"-DCMAKE_PREFIX_PATH={root}/usr")
        works(folder / "build", **store)
        build(folder, "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_SKIP_RPATH=ON")
        works(folder / "build", root / "usr" / LIBRARIES, **store)
        if os.geteuid() == 0:
            names = [package.name.split("_")[0] for package in packages]
            step(*dpkg, "--purge", *names, environment=tools)
            left = {name for name in files_of(root) if not name.startswith("var/lib/dpkg/")}
            equal(left, set())


main([vars()["test_" + sys.argv[3]]])
