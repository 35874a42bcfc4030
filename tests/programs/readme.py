"""The README and the documents say what is so: their code is compiled and run, their commands are tried, their table
is the server's own, and their links lead somewhere. `readme.py --write BINARIES SOURCE` renews the table."""

import os
import pathlib
import re
import socket
import subprocess
import sys

WRITE = "--write" in sys.argv
if WRITE:
    sys.argv.remove("--write")

from common import PATIENCE, SOURCE, Server, binary, check, equal, main, run, tests_of

README = pathlib.Path(SOURCE, "README.md")
DOCUMENTS = [README, *sorted(pathlib.Path(SOURCE, "docs").glob("*.md")), pathlib.Path(SOURCE, "CONTRIBUTING.md")]
TABLE = re.compile(r"(<!-- keys -->\n)(.*?)(<!-- /keys -->)", re.DOTALL)


def blocks(path):
    return re.findall(r"^```(\w*)(?: file=(\S+))?\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)


def generated_table():
    done = run("config_table")
    equal(done.returncode, 0)
    return done.stdout


def test_every_code_block_is_part_of_a_file_that_the_suite_builds():
    seen = 0
    for path in DOCUMENTS:
        for language, file, text in blocks(path):
            if language not in ("cpp", "cmake", "json"):
                continue
            check(file, path, "has a block without a file:", text)
            whole = pathlib.Path(SOURCE, file).read_text()
            check(text in whole, path, "differs from", file, ":", text)
            seen += 1
    check(seen >= 4, seen, "blocks")


def test_the_readme_s_dialogue_with_nc():
    (dialogue,) = [text for _, _, text in blocks(README) if text.startswith("$ printf")]
    command, *answer = dialogue.splitlines()
    with Server("uppercase_server", "--config", os.path.join(SOURCE, "config/uppercase.json")) as server:
        command = command.removeprefix("$ ").replace("9999", str(server.address[1]))
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=PATIENCE)
        equal(done.stdout.splitlines(), answer)


def test_the_readme_s_server_and_test_run():
    with Server("hello_server") as server:
        equal(server.ask("Ann"), "Hello, Ann!")
        equal(server.stop(), 0)
    equal(run("hello_test").returncode, 0)
    done = subprocess.run([binary("own_main")], cwd=SOURCE, capture_output=True, timeout=PATIENCE)
    equal(done.returncode, 0)


def test_the_client_of_the_page_on_the_kernel():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        host, port = listener.getsockname()
        done = run("patient_client", host, str(port))  # which fills the queue
        equal(done.returncode, 0)
        check(re.fullmatch(rf"at most 3 s for each address\nconnected to {host}:{port}\n", done.stdout), done.stdout)
        done = run("patient_client", host, str(port))
        equal(done.returncode, 1)
        check(f"not answered: cannot connect to {host}:{port} ({host}:{port}: the kernel gave up (SYN retries: 1))"
              in done.stdout, done.stdout)


def test_the_score_server_of_the_page_on_fibers():
    for policy in ("pool", "fiber"):
        with Server("score_server", "--policy", policy) as server, server.connect() as ann, server.connect() as bob:
            equal(ann.ask("abc"), "3")
            equal(bob.ask("a"), "3")
            equal(bob.ask("abcde"), "5")
            equal(server.stop(), 0)


def test_the_configuration_table_is_the_server_s_own():
    text = README.read_text()
    renewed = TABLE.sub(lambda match: match[1] + generated_table() + match[3], text)
    if WRITE:
        README.write_text(renewed)
    check(renewed == text or WRITE, "the table is old; renew it with tests/programs/readme.py --write")
    check(len(TABLE.search(renewed)[2].splitlines()) > 20, "no table")


def test_links_lead_somewhere():
    for path in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            check((path.parent / link).exists(), path, "links to", link)


main(tests_of(sys.modules[__name__]))
