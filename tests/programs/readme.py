"""The README and the documents say what is so: their code is compiled and run, their commands are tried, their table
is the server's own, and their links lead somewhere. `readme.py --write BINARIES SOURCE` renews the table."""

import ast
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile

WRITE = "--write" in sys.argv
if WRITE:
    sys.argv.remove("--write")

from common import BINARIES, PATIENCE, SOURCE, Client, Server, binary, check, equal, main, run, tests_of

README = pathlib.Path(SOURCE, "README.md")
PAGES = sorted(pathlib.Path(SOURCE, "docs").glob("*.md"))
DOCUMENTS = [README, *PAGES,
             *(pathlib.Path(SOURCE, f"{name}.md") for name in ("CONTRIBUTING", "SECURITY", "CHANGELOG"))]
CONFIGURATION = pathlib.Path(SOURCE, "docs/configuration.md")
TUTORIAL = pathlib.Path(SOURCE, "docs/tutorial.md")
TABLE = re.compile(r"(<!-- keys -->\n)(.*?)(<!-- /keys -->)", re.DOTALL)
FROM_FILES = ("cpp", "cmake", "json", "python", "ini", "toml", "haproxy", "nginx")
OTHERWISE_TRIED = ("console", "sh", "text")


def blocks(path):
    return re.findall(r"^```(\w*)(?: file=(\S+))?\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)


def dialogues(path):
    """@returns each command of a page's console blocks, with the lines that it is to print."""
    found = []
    for language, _, text in blocks(path):
        for line in text.splitlines() if language == "console" else ():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found:
                found[-1][1].append(line)
    return found


def in_shell(command, port, folder):
    """@returns the lines that a command of a page prints, said to a server on this port instead of 9999."""
    done = subprocess.run(command.replace("9999", str(port)), shell=True, cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
    return done.stdout.splitlines()


def generated_table():
    done = run("config_table")
    equal(done.returncode, 0)
    return done.stdout


def prose(path):
    """@returns a page without its code."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(path):
    """@returns what a link may name on a page after a #: its headings, in lower case with hyphens."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@contextlib.contextmanager
def python_server(file):
    """Runs a server of a page in Python, which prints its address first. @returns the address."""
    process = subprocess.Popen([sys.executable, file], stdout=subprocess.PIPE, text=True)
    try:
        yield ast.literal_eval(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_every_code_block_is_part_of_a_file_that_the_suite_builds():
    seen = 0
    for path in DOCUMENTS:
        for language, file, text in blocks(path):
            if language in OTHERWISE_TRIED:
                continue
            check(language in FROM_FILES, path, "has a block of which nothing is checked:", language, text)
            check(file, path, "has a block without a file:", text)
            whole = pathlib.Path(SOURCE, file).read_text()
            check(text in whole, path, "differs from", file, ":", text)
            seen += 1
    check(seen >= 30, seen, "blocks")


def test_the_readme_s_dialogue_with_nc():
    with Server("uppercase_server", "--config", os.path.join(SOURCE, "config/uppercase.json")) as server:
        ((command, answer),) = dialogues(README)
        equal(in_shell(command, server.address[1], SOURCE), answer)


def test_the_dialogues_of_the_tutorial():
    """In its order. What a server prints is held against its log at the end; "stopping" and "stopped" stand apart."""
    logs, said, server = [], [], None
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.symlink(BINARIES, f"{folder}/build")
        for name in ("store.json", "broken.json"):
            shutil.copy(os.path.join(SOURCE, "tests/tutorial", name), folder)
        for command, answer in dialogues(TUTORIAL):
            if command.startswith("build/store_server") and "--check" not in command:
                if server:
                    equal(server.stop(), 0)
                arguments = command.replace("store.json", f"{folder}/store.json").split()[1:]
                server = stack.enter_context(Server("store_server", *arguments))
                logs.append(server)
                said += answer
            else:
                equal(in_shell(command, server.address[1] if server else 0, folder), answer)
        equal(server.stop(), 0)
    check(len(logs) >= 2, logs)
    written = [line.replace(str(log.pid), "4711").replace(str(log.address[1]), "9999")
               for log in logs for line in log.lines if line]
    for line in said + re.findall(r"^\[store_server.*$", TUTORIAL.read_text(), re.MULTILINE):
        check(line in written, line, "is in none of", written)


def test_the_dialogues_of_the_page_on_tls():
    """In its order; a server that is started ends the one before."""
    page = pathlib.Path(SOURCE, "docs/tls.md")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.symlink(BINARIES, f"{folder}/build")
        shutil.copy(os.path.join(SOURCE, "config/tls.json"), folder)
        server, answered = None, 0
        for command, answer in dialogues(page):
            if command.startswith("build/uppercase_server") and "--check" not in command:
                if server:
                    equal(server.stop(), 0)
                server = stack.enter_context(Server("uppercase_server", *shlex.split(command)[1:], folder=folder))
            else:
                command = command.replace("9443", str(server.address[1]) if server else "9443")
                equal((command, in_shell(command, 9999, folder)), (command, answer))
                answered += "HELLO" in answer
        equal(answered, 2)


def test_the_tutorial_s_configurations_end_with_the_status_that_it_names():
    for name, status in (("store.json", 0), ("broken.json", 2)):
        done = run("store_server", "--config", os.path.join(SOURCE, "tests/tutorial", name), "--check")
        equal((name, done.returncode), (name, status))


def said_to_upper(address):
    with Client(address) as client:
        answers = [client.ask("hello"), client.ask("Gr\u00fc\u00dfe, 1 + z\r")]
        client.send("end")
        client.half_close()
        return [*answers, client.rest()]


def said_to_desk(address):
    answers = []
    for name in ("Ann", "Bob", "close"):
        with Client(address) as client:
            answers += [client.ask(name), client.rest()]
    with Client(address) as client:
        return [*answers, client.rest()]


def said_to_sum(address):
    with Client(address) as client:
        client.send(b"\0\0\0\1\0\2" + b"\xff\xff\xff\xff\xff\xff" + b"\0\0")
        client.half_close()
        return client.rest()


def test_the_pairs_of_the_page_on_python_say_the_same():
    for name, ask in (("upper", said_to_upper), ("desk", said_to_desk), ("sum", said_to_sum)):
        with python_server(os.path.join(SOURCE, f"tests/readme/{name}_server.py")) as address:
            theirs = ask(address)
        with Server(f"{name}_server") as server:
            equal((name, ask(server.address)), (name, theirs))
            equal(server.stop(), 0)
        check(theirs, name, "says nothing")


def test_the_pair_of_the_page_on_asio_says_the_same():
    answers = []
    for name in ("asio_session", "upper_server"):
        with Server(name) as server, server.connect() as client:
            client.send("one\ntw")
            answers.append((client.line(), client.ask("o")))
            equal(server.stop(), 0)
    equal(answers, [("ONE", "TWO")] * 2)


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
    text = CONFIGURATION.read_text()
    renewed = TABLE.sub(lambda match: match[1] + generated_table() + match[3], text)
    if WRITE:
        CONFIGURATION.write_text(renewed)
    check(renewed == text or WRITE, "the table is old; renew it with tests/programs/readme.py --write")
    check(len(TABLE.search(renewed)[2].splitlines()) > 20, "no table")


def test_the_errors_of_the_page_on_the_configuration():
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(BINARIES, f"{folder}/build")
        shutil.copy(os.path.join(SOURCE, "tests/readme/wrong.json"), folder)
        said = dialogues(CONFIGURATION)
        check(len(said) >= 4, said)
        for command, answer in said:
            equal((command, in_shell(command, 9999, folder)), (command, answer))


def test_the_scripts_that_the_documents_call_are_there():
    called = {name for path in DOCUMENTS for name in re.findall(r"\bscripts/\w+|\bbench/\w+\.py", path.read_text())}
    check("scripts/build" in called, called)
    for name in called:
        check(pathlib.Path(SOURCE, name).exists(), name)


def test_links_lead_somewhere():
    for path in DOCUMENTS:
        for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", prose(path)):
            target = path.parent / link if link else path
            check(target.exists(), path, "links to", link)
            check(not anchor or anchor in anchors(target), path, "links to", anchor, "in", target)


def test_the_index_names_every_page():
    named = re.findall(r"\]\(([^)#:]+)\)", (PAGES[0].parent / "index.md").read_text())
    for path in PAGES:
        check(path.name in named or path.name == "index.md", path)


main(tests_of(sys.modules[__name__]))
