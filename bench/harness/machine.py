"""Where the figures come from: machine, kernel, compiler, versions."""

import os
import pathlib
import platform
import subprocess

PACKAGES = ("libasio-dev", "libpoco-dev", "libuv1-dev", "golang-go", "python3", "libboost-context-dev")


def _first_line(*command, cwd=None):
    try:
        out = subprocess.run(command, capture_output=True, text=True, cwd=cwd).stdout
    except OSError:
        return "none"
    return (out.splitlines() or ["none"])[0].strip()


def _processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def describe(root):
    """@returns what to print with the figures, name by name."""
    changed = "" if _first_line("git", "status", "--porcelain", cwd=root) == "none" else ", with changes"
    memory = pathlib.Path("/proc/meminfo").read_text().split()[1]  # MemTotal, in KiB
    facts = {"commit": _first_line("git", "rev-parse", "--short", "HEAD", cwd=root) + changed,
             "processor": f"{_processor()}, {os.cpu_count()} cores, {int(memory) >> 20} GiB",
             "kernel": platform.release(), "compiler": _first_line("c++", "--version"),
             "load average at start": f"{os.getloadavg()[0]:.1f}"}
    for package in PACKAGES:
        facts[package] = _first_line("dpkg-query", "-W", "-f", "${Version}", package)
    return facts
