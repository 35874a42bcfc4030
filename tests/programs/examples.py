"""The example servers, spoken to by Python's sockets and by nc."""

import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile

from certificates import Authority, TlsClient
from common import CONFIGURATIONS, PATIENCE, SOURCE, Server, check, equal, main, set_key, tests_of


def nc(server, data):
    done = subprocess.run(["nc", "-N", server.address[0], str(server.address[1])], input=data, capture_output=True,
                          timeout=PATIENCE)
    equal(done.returncode, 0)
    return done.stdout


def test_uppercase_server_from_its_configuration():
    with Server("uppercase_server", "--config", os.path.join(SOURCE, "config/uppercase.json")) as server:
        equal(nc(server, b"hello\nworld\n"), b"HELLO\nWORLD\n")
        equal(nc(server, b"no end"), b"NO END")
        equal(nc(server, b""), b"")
        equal(server.stop(), 0)


def test_every_configuration_serves():
    check(len(CONFIGURATIONS) >= 8, CONFIGURATIONS)
    for path in CONFIGURATIONS:
        configuration = json.loads(path.read_text())
        policy = configuration.get("concurrency", {}).get("policy", "fiber")
        if path.stem in ("inline", "thread", "pool", "fiber"):
            equal(policy, path.stem)
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            ca = Authority(folder)
            own = set_key("/tls/certificates", [ca.issue("server")]) if "tls" in configuration["listen"] else []
            with Server("uppercase_server", "--config", str(path), *own, log_file=log) as server:
                with TlsClient(server, ca.context()) if own else server.connect() as client:
                    if "proxy_protocol" in configuration["listen"]:
                        client.send("PROXY TCP4 203.0.113.7 192.0.2.80 7 80\r\n")
                    equal((path.name, client.ask("hello")), (path.name, "HELLO"))
                equal((path.name, server.stop()), (path.name, 0))
            check(f", policy {policy}" in pathlib.Path(log).read_text(), path, "does not run its policy")


def choices_of(value, pointer=""):
    """What a configuration says, by pointer; what is in app is the program's own."""
    if not isinstance(value, dict) or pointer == "/app":
        return {pointer: value}
    return {name: each for key, below in value.items() for name, each in choices_of(below, f"{pointer}/{key}").items()}


def test_every_choice_of_a_configuration_has_its_reason():
    page = pathlib.Path(SOURCE, "docs/config_files.md").read_text()
    for path in CONFIGURATIONS:
        found = re.search(rf"^## `{re.escape(path.name)}`$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        check(found, path, "is not in docs/config_files.md")
        rows = re.findall(r"^\| `(/\S+)` \| `(.*)` \| .{5,} \|$", found[1], re.MULTILINE)
        choices = choices_of(json.loads(path.read_text()))
        choices.pop("/$schema")
        equal((path.name, {pointer: json.loads(value) for pointer, value in rows}), (path.name, choices))


def test_raw_uppercase_server():
    with Server("raw_uppercase_server") as server:
        equal(nc(server, b"  hello  \n"), b"HELLO")
        equal(server.stop(), 0)


def test_every_example_under_every_policy():
    for policy in ("inline", "thread", "pool", "fiber"):
        for name, question, answer in (("uppercase_server", "abc", b"ABC"), ("raw_uppercase_server", "abc", b"ABC")):
            with Server(name, "--policy", policy) as server:
                equal(nc(server, question.encode()), answer)
                equal(server.stop(), 0)


def join(server, name):
    client = server.connect()
    equal(client.line(), "Your name?")
    client.send(name + "\n")
    client.answer = client.line()
    return client


def test_chat_server():
    config = os.path.join(SOURCE, "config/chat.json")
    for arguments in (["--policy", "thread"], ["--policy", "pool"], ["--policy", "fiber"], ["--config", config]):
        with Server("chat_server", *arguments) as server:
            ann = join(server, "Ann")
            equal(ann.answer, "Welcome, Ann.")
            bob = join(server, "Bob")
            equal(ann.line(), "Bob has joined")
            ann.send("hello\n")
            equal(bob.line(), "Ann: hello")
            bob.send("hello yourself\n")
            equal(ann.line(), "Bob: hello yourself")
            twice = join(server, "Ann")
            equal(twice.answer, "Not that one.")
            equal(twice.rest(), b"")
            bob.close()
            equal(ann.line(), "Bob has left")
            equal(server.stop(), 0)
            equal(ann.rest(), b"")


def test_chat_with_a_member_that_never_reads():
    """It held up all the others for the write timeout, which here is longer than the test is patient."""
    for policy in ("thread", "pool", "fiber"):
        for timeout in ("600", "null"):
            chat_with_a_deaf_member(policy, timeout)


def chat_with_a_deaf_member(policy, write_timeout):
    with Server("chat_server", "--policy", policy, "--set", f"/timeouts/write={write_timeout}",
                "--set", "/socket/send_buffer=4096") as server:
        deaf = join(server, "Deaf")
        ann = join(server, "Ann")
        bob = join(server, "Bob")
        equal(ann.line(), "Bob has joined")
        text = "x" * 1000
        said = 0
        ended = False
        while said < 20_000 and not ended:  # its outbox takes a MiB; then its connection ends
            said += 1
            ann.send(f"{said} {text}\n")
            heard = bob.line()
            ended = heard == "Deaf has left"
            equal(bob.line() if ended else heard, f"Ann: {said} {text}")  # each line, in order, before the next
        check(ended, "the member that does not read is still there")
        check(said > 1000, "its connection ended after", said, "lines, which its outbox had room for")
        equal(ann.line(), "Deaf has left")
        bob.send("still here\n")
        equal(ann.line(), "Bob: still here")
        deaf.close()
        equal(server.stop(), 0)


def test_chat_ends_a_member_whose_write_timeout_is_over():
    for policy in ("thread", "pool", "fiber"):
        with Server("chat_server", "--policy", policy, "--set", "/timeouts/write=0.1",
                    "--set", "/socket/send_buffer=4096") as server:
            deaf = join(server, "Deaf")
            ann = join(server, "Ann")
            bob = join(server, "Bob")
            equal(ann.line(), "Bob has joined")
            for number in range(900):  # more than the kernel takes for a peer that does not read; less than the outbox
                ann.send(f"{number} {'x' * 1000}\n")
                heard = bob.line()
                if heard == "Deaf has left":
                    heard = bob.line()
                equal(heard, f"Ann: {number} {'x' * 1000}")
            equal(ann.line(), "Deaf has left")
            deaf.close()
            equal(server.stop(), 0)


def test_chat_texts_end_with_a_line_and_show_control_characters():
    with Server("chat_server") as server:
        ann = join(server, "Ann")
        bob = join(server, "Bob")
        equal(ann.line(), "Bob has joined")
        bob.send("a\x1b[2Jb\n")
        equal(ann.line(), "Bob: a\\x1b[2Jb")
        bob.send("no end")
        bob.half_close()
        equal(ann.line(), "Bob: no end")
        equal(ann.line(), "Bob has left")
        ann.close()
        bob.close()
        equal(server.stop(), 0)


def test_chat_with_a_member_that_leaves_while_it_is_welcomed():
    """The room kept the stream of a member whose welcome could not be sent."""
    for policy in ("thread", "fiber"):
        chat_with_early_leavers(policy)


def chat_with_early_leavers(policy):
    with Server("chat_server", "--policy", policy, "--set", "/limits/write_buffer=0") as server:
        for attempt in range(20):
            client = server.connect()
            equal(client.line(), "Your name?")
            client.send("x" * 5000 + "\n")
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()  # a reset
        ann = join(server, "Ann")
        bob = join(server, "Bob")
        while ann.line() != "Bob has joined":
            pass
        bob.send("hello\n")
        while ann.line() != "Bob: hello":
            pass
        equal(server.stop(), 0)


def test_chat_with_hundreds_of_members():
    members = 300
    for policy in ("thread", "pool", "fiber"):
        threads = members + 1 if policy == "pool" else 2
        with Server("chat_server", "--policy", policy, "--threads", str(threads),
                    "--set", "/timeouts/write=0.2", "--set", "/socket/send_buffer=4096") as server:
            deaf = join(server, "Deaf")  # never reads another byte
            all_of_them = [join(server, f"Member {i}") for i in range(members)]
            for speaker in (all_of_them[0], all_of_them[-1]):
                speaker.send("hear\n")
                for listener in all_of_them:
                    if listener is not speaker:
                        while not listener.line().endswith(": hear"):
                            pass
            for client in (deaf, *all_of_them):
                client.close()
            equal(server.stop(), 0)


def test_chat_under_inline_serves_one_member_after_the_other():
    with Server("chat_server", "--policy", "inline") as server:
        for name in ("Ann", "Bob"):
            with join(server, name) as client:
                equal(client.answer, f"Welcome, {name}.")
                client.half_close()
                equal(client.rest(), b"")
        equal(server.stop(), 0)


def test_examples_are_short():
    sources = [name for name in os.listdir(os.path.join(SOURCE, "examples")) if name.endswith(".cpp")]
    check(len(sources) >= 7, sources)
    for name in sources:
        with open(os.path.join(SOURCE, "examples", name)) as file:
            check(len(file.readlines()) < 60, name, "has 60 lines or more")


main(tests_of(sys.modules[__name__]))
