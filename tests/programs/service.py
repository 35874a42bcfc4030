"""What runs the upper-case server as a service: the unit fits its configuration, and a rotated log loses no line."""

import collections
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

from common import PATIENCE, SOURCE, Server, binary, check, equal, main, tests_of

NAME = "socketserver-uppercase"
UNIT = pathlib.Path(SOURCE, f"packaging/systemd/{NAME}.service")
ROTATION = pathlib.Path(SOURCE, f"packaging/logrotate/{NAME}")
LOGROTATE = "/usr/sbin/logrotate"  # a folder that only root's PATH has
PRODUCTION = pathlib.Path(SOURCE, "config/production.json")


def unit():
    return dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE))


def completes(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    check(done.returncode == 0 and not done.stderr, command, done.returncode, done.stdout, done.stderr)


def test_systemd_takes_the_unit():
    text = UNIT.read_text()
    installed = "ExecStart=/usr/bin/uppercase_server --config /etc/socketserver/uppercase.json\n"
    check(installed in text, text)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, UNIT.name)
        path.write_text(text.replace("/usr/bin/uppercase_server", os.path.abspath(binary("uppercase_server"))))
        completes("systemd-analyze", "verify", "--man=no", str(path))


def test_the_unit_allows_what_its_configuration_asks_for():
    config, settings = json.loads(PRODUCTION.read_text()), unit()
    clocks = config["timeouts"]
    # A second passes between the drain's end and the exit with status 3; see docs/shutdown.md.
    check(int(settings["TimeoutStopSec"]) > clocks["drain"] + clocks["linger"] + 1, "killed while it drains")
    check(int(settings["LimitNOFILE"]) >= 2 * config["limits"]["max_connections"] + 64, "too few descriptors")
    check(config["listen"]["port"] >= 1024, "a port that takes a privilege")
    equal(os.path.dirname(config["log"]["file"]), "/var/log/" + settings["LogsDirectory"])


def test_rotation_is_of_the_service_s_log():
    text = ROTATION.read_text()
    check(json.loads(PRODUCTION.read_text())["log"]["file"] + " {" in text, text)
    equal(set(re.findall(r"\S+\.service", text)), {UNIT.name})


def rotation_of(log, pid):
    """The installed rotation, but of this file, and with the signal sent to this process instead of the unit's."""
    text = re.sub(r"^\S+ \{", f"{log} {{", ROTATION.read_text(), flags=re.MULTILINE)
    text, sent = re.subn(r"postrotate\n.*?endscript", f"postrotate\nkill -HUP {pid}\nendscript", text, flags=re.DOTALL)
    equal(sent, 1)
    return text


class Clients:
    """Connect again and again, each of which is a line of the log, until they are stopped."""

    def __init__(self, server):
        self.ports, self.failures = [], []
        self._server, self._stop = server, threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def ask(self):
        with self._server.connect() as client:
            self.ports.append(client.socket.getsockname()[1])
            equal(client.ask("x"), "X")
            return self.ports[-1]

    def _work(self):
        try:
            while not self._stop.is_set():
                self.ask()
        except Exception as error:  # join() reports it
            self.failures.append(error)

    def join(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        equal(self.failures, [])


def text_of(path):
    return gzip.open(path, "rt").read() if path.suffix == ".gz" else path.read_text()


def test_a_rotated_log_loses_no_line():
    with tempfile.TemporaryDirectory() as folder:
        log, rotation = pathlib.Path(folder, "uppercase.log"), pathlib.Path(folder, "rotation")
        arguments = ["--config", str(PRODUCTION), "--log-level", "debug"]
        with Server("uppercase_server", *arguments, log_file=str(log)) as server:
            rotation.write_text(rotation_of(log, server.pid))
            rotation.chmod(0o644)  # logrotate takes no other
            clients = Clients(server)
            try:
                for _ in range(3):
                    completes(LOGROTATE, "--force", "--state", f"{folder}/state", str(rotation))
                    server.wait_for_text(log, "log file reopened")
                    port = clients.ask()
                    server.wait_for_text(log, rf":{port} connected\n")
            finally:
                clients.join()
            equal(server.stop(), 0)
        logs = sorted(pathlib.Path(folder).glob("uppercase.log*"))
        equal([path.name.removeprefix("uppercase.log") for path in logs], ["", ".1", ".2.gz", ".3.gz"])
        found = re.findall(r":(\d+) connected\n", "".join(text_of(path) for path in logs))
        equal(collections.Counter(map(int, found)), collections.Counter(clients.ports))
        check("stopped: " in log.read_text(), "the end is not in the newest file")


main(tests_of(sys.modules[__name__]))
