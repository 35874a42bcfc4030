"""Servers over TLS, spoken to by programs that others have written: openssl, gnutls-cli, socat, curl, sslscan, Python."""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree

from certificates import Authority, TlsClient, authority, tls_server
from common import PATIENCE, POLICIES, SOURCE, check, equal, eventually, main, run, set_key, tests_of


def ask(command, line="hello", answer="HELLO"):
    """Runs a client that sends its standard input, and ends it when the answer has come. @returns what it has printed."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as client:
        timer = threading.Timer(PATIENCE, client.kill)
        timer.start()
        try:
            client.stdin.write(line + "\n")
            client.stdin.flush()
            printed = []
            for text in client.stdout:
                printed.append(text)
                if text.strip() == answer:
                    break
            client.stdin.close()
            printed.append(client.stdout.read())
            status = client.wait(PATIENCE)
        finally:
            timer.cancel()
    check(answer + "\n" in printed, command, "has printed", printed)
    equal((command[0], status), (command[0], 0))
    return "".join(printed)


def s_client(server, ca, *more):
    return ["openssl", "s_client", "-connect", f"127.0.0.1:{server.address[1]}", "-CAfile", ca.path("ca.pem"),
            "-verify_return_error", *more]


def done(command, text=""):
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE)


def test_every_policy_answers_every_client():
    with authority() as ca:
        own = ca.issue("server")
        for policy in POLICIES:
            with tls_server([own], "--policy", policy, name="probe_server") as server:
                port, trusted = str(server.address[1]), ca.path("ca.pem")
                for version in ("-tls1_2", "-tls1_3"):
                    ask(s_client(server, ca, "-quiet", "-no_ign_eof", "-verify_hostname", "localhost", version),
                        "hello", "hello")
                ask(["gnutls-cli", "--x509cafile", trusted, "-p", port, "localhost"], "hello", "hello")
                ask(["socat", "-t", "1", "-", f"OPENSSL:localhost:{port},cafile={trusted},verify=1"], "hello", "hello")
                equal(run("tls_client", "localhost", port, "hello", "--ca", trusted).stdout, "hello\n")
                for version in (["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"]):
                    page = done(["curl", "-sS", "--max-time", str(PATIENCE), "--cacert", trusted, *version,
                                 f"https://localhost:{port}/"])
                    equal((page.returncode, page.stdout, page.stderr), (0, "hello\n", ""))
                with TlsClient(server, ca.context()) as client:
                    equal(client.ask("hello"), "hello")
                    equal(client.ask("x" * 60000), "x" * 60000)


def test_what_the_handshake_has_agreed_on():
    with authority() as ca:
        client = ca.issue("worker-7")
        keys = [*set_key("/tls/client_ca", ca.path("ca.pem")), *set_key("/tls/client_certificate", "request"),
                *set_key("/tls/alpn", ["line/2", "line/1"])]
        certificates = [ca.issue("first", ["first.test"]), ca.issue("second", ["second.test"])]
        with tls_server(certificates, *keys, name="probe_server") as server:
            offers = ["-servername", "second.test", "-alpn", "line/1", "-quiet", "-no_ign_eof"]
            ask(s_client(server, ca, *offers, "-cert", client["chain"], "-key", client["key"]), "tls",
                "TLSv1.3 second.test line/1 CN=worker-7")
            ask(s_client(server, ca, *offers, "-tls1_2"), "tls", "TLSv1.2 second.test line/1 no certificate")
            for name, subject in (("second.test", "CN = second"), ("unknown.test", "CN = first")):
                told = done(s_client(server, ca, "-servername", name))
                check(f"subject={subject}\n" in told.stdout, told.stdout)
            refused = done(s_client(server, ca, "-alpn", "h2"))
            check(refused.returncode != 0 and "no application protocol" in refused.stderr, refused.stderr)
            ask(s_client(server, ca, "-servername", "first.test", "-verify_hostname", "first.test", "-quiet",
                         "-no_ign_eof"), "hello", "hello")
            wrong = done(s_client(server, ca, "-servername", "first.test", "-verify_hostname", "second.test"))
            check(wrong.returncode != 0 and "hostname mismatch" in (wrong.stdout + wrong.stderr).lower(), wrong.stderr)


def test_renegotiation_is_refused():
    with authority() as ca, tls_server([ca.issue("server")]) as server:
        told = done(s_client(server, ca, "-tls1_2"), "R\n")
        check("RENEGOTIATING" in told.stdout + told.stderr, told.stdout)
        check("no renegotiation" in told.stderr, told.stderr)
        with TlsClient(server, ca.context()) as client:
            equal(client.ask("x"), "X")


def test_sslscan_finds_no_old_version_and_no_weak_cipher():
    with authority() as ca, tls_server([ca.issue("server")]) as server:
        told = done(["sslscan", "--xml=-", f"127.0.0.1:{server.address[1]}"])
        found = xml.etree.ElementTree.fromstring(told.stdout).find("ssltest")
        enabled = {f"{one.get('type')} {one.get('version')}" for one in found.findall("protocol")
                   if one.get("enabled") == "1"}
        equal(enabled, {"tls 1.2", "tls 1.3"})
        equal(found.find("renegotiation").get("supported"), "0")
        ciphers = {one.get("cipher"): int(one.get("bits")) for one in found.findall("cipher")}
        check(len(ciphers) >= 5, ciphers)
        for name, bits in ciphers.items():
            check(bits >= 128 and name.startswith(("TLS_AES_", "TLS_CHACHA20_", "ECDHE-", "DHE-")), name, bits)
            check("GCM" in name or "POLY1305" in name, name, "is not authenticated encryption")


def fin_without_close_notify(client):
    """Ends what this client sends as an attacker on the way can: by TCP's FIN alone. It can still read."""
    with socket.socket(fileno=os.dup(client.socket.fileno())) as same:
        same.shutdown(socket.SHUT_WR)


def rest(client):
    """What the server still sends, up to its end, clean or not."""
    received = b""
    try:
        while part := client.socket.recv(1000):
            received += part
    except (ssl.SSLError, ConnectionError):
        pass
    return received


def test_a_fin_in_the_middle_of_a_line_is_no_end_of_it():
    with authority() as ca:
        for policy in POLICIES:
            with tls_server([ca.issue("server")], "--policy", policy) as server:
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    known = len(server.lines)
                    with TlsClient(server, ca.context(minimum_version=version, maximum_version=version)) as client:
                        client.send("whole\npay 1")
                        equal(client.line(), "WHOLE")
                        fin_without_close_notify(client)
                        equal(rest(client), b"")
                    server.wait_for_line("the peer ended the connection without close_notify", known)
                # The same bytes with a close_notify are a line, as over TCP.
                equal((policy, ask_and_end(server, ca, b"whole\npay 1")), (policy, b"WHOLE\nPAY 1"))


def ask_and_end(server, ca, text):
    """@returns the answers to a client that ends its side as TLS has it, and reads on, which ssl.SSLSocket cannot."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = ca.context().wrap_bio(received, sent, server_hostname="localhost")
    with server.connect() as client:
        def until_done(call, *arguments):
            while True:
                try:
                    return call(*arguments)
                except ssl.SSLWantReadError:
                    client.send(sent.read())
                    received.write(client.socket.recv(65536) or check(False, "the server ended without close_notify"))

        until_done(session.do_handshake)
        session.write(text)
        with contextlib.suppress(ssl.SSLWantReadError):
            session.unwrap()
        answers = b""
        with contextlib.suppress(ssl.SSLZeroReturnError):
            while part := until_done(session.read, 1000):
                answers += part
    return answers


def test_clients_that_leave_early_cost_their_connection_alone():
    with authority() as ca, tls_server([ca.issue("server")], name="probe_server") as server:
        with TlsClient(server, ca.context()) as stays:
            for sent in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00", b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n", b"\x80" * 99):
                client = server.connect()
                client.send(sent)
                client.reset() if len(sent) % 2 else client.close()
            for _ in range(10):  # between the handshake and the first byte, and in the middle of a large answer
                TlsClient(server, ca.context()).close()
                with TlsClient(server, ca.context()) as client:
                    client.send("mebibyte\n")
                    equal(client.socket.recv(1), b"x")
            equal(stays.ask("hello"), "hello")
        check(eventually(lambda: server.counted("active") == 0), "connections stay active")
        equal(server.counted("accepted"), 26)


class Talker(threading.Thread):
    """Connects, asks twice and leaves, until it is stopped. Keeps the serial numbers of the certificates that it saw."""

    def __init__(self, server, context):
        super().__init__()
        self.server, self.context, self.over, self.error = server, context, threading.Event(), None
        self.sessions, self.serials = 0, set()

    def run(self):
        try:
            while not self.over.is_set():
                with TlsClient(self.server, self.context) as client:
                    self.serials.add(client.socket.getpeercert()["serialNumber"])
                    equal((client.ask("a"), client.ask("b")), ("A", "B"))
                    client.socket.unwrap()  # else the server sees a truncation
                    self.sessions += 1
        except Exception as error:
            self.error = error


def serial_seen(server, ca):
    with TlsClient(server, ca.context()) as client:
        equal(client.ask("x"), "X")
        serial = client.socket.getpeercert()["serialNumber"]
        client.socket.unwrap()
        return serial


def renew(ca, certificate):
    """Puts this certificate and its key into the place of the server's."""
    for part in ("chain", "key"):
        shutil.copy(certificate[part], ca.path("next"))
        os.replace(ca.path("next"), ca.path(f"server.{'pem' if part == 'chain' else 'key'}"))


def reload(server, expected):
    known = len(server.lines)
    server.signal(signal.SIGHUP)
    server.wait_for_line(expected, known)


RELOADED = "TLS certificates reloaded"
REFUSED = "cannot reload the TLS certificates, the old ones stay: .*"


def test_certificates_are_replaced_100_times_under_load():
    with authority() as ca:
        renewals = [ca.issue(f"renewal-{number}") for number in range(5)]
        with tls_server([ca.issue("server")]) as server:
            talkers = [Talker(server, ca.context()) for _ in range(50)]
            for talker in talkers:
                talker.start()
            try:
                serials = [serial_seen(server, ca)]
                for number in range(100):
                    renew(ca, renewals[number % 5])
                    reload(server, RELOADED)
                    serials.append(serial_seen(server, ca))
                    check(serials[-1] != serials[-2], "a new client has seen the old certificate")
                equal(len(set(serials)), 6)
                equal(serials[1:], serials[1:6] * 20)  # each renewal is the one that new clients see
            finally:
                for talker in talkers:
                    talker.over.set()
                for talker in talkers:
                    talker.join(PATIENCE)
            equal([talker.error for talker in talkers if talker.error], [])
            check(all(talker.sessions for talker in talkers), "a client was not answered")
            check(set().union(*(talker.serials for talker in talkers)) <= set(serials))
            check(eventually(lambda: server.counted("active") == 0))
            equal(server.counted("failed"), 0)
            return f"{sum(talker.sessions for talker in talkers)} sessions meanwhile, none failed"


def test_broken_files_are_refused_and_the_old_certificate_stays():
    with authority() as ca, tls_server([ca.issue("server")]) as server:
        before, other = serial_seen(server, ca), ca.issue("other")
        with TlsClient(server, ca.context()) as stays:
            chain = pathlib.Path(ca.path("server.pem"))
            whole = chain.read_bytes()
            for broken in (b"", whole[:200], b"\0" * 1000, pathlib.Path(other["chain"]).read_bytes(), None):
                chain.unlink() if broken is None else chain.write_bytes(broken)
                reload(server, REFUSED + "server.(pem|key)")
                equal(serial_seen(server, ca), before)
            chain.write_bytes(whole)
            renew(ca, other)
            reload(server, RELOADED)
            check(serial_seen(server, ca) != before)
            equal(stays.ask("still"), "STILL")  # on the certificate that it has seen


def check_files(*certificates):
    return run("uppercase_server", "--check", *set_key("/listen/tls", True),
               *set_key("/tls/certificates", list(certificates)))


def test_check_names_the_file():
    with authority() as ca:
        equal(check_files(ca.issue("own"), ca.issue("other")).returncode, 0)
        for chain, key, named, why in (("none.pem", "own.key", "none.pem", "No such file"),
                                       ("own.pem", "none.key", "none.key", "No such file"),
                                       ("own.pem", "other.key", "other.key", "does not fit"),
                                       ("own.key", "own.key", "own.key", ""), ("own.pem", "own.pem", "own.pem", "")):
            told = check_files({"chain": ca.path(chain), "key": ca.path(key)})
            equal((chain, key, told.returncode), (chain, key, 2))
            check(ca.path(named) in told.stderr and why in told.stderr, told.stderr)
            equal(told.stderr.count("\n"), 1)
        old = ca.issue_expired("old")
        told = check_files(old)
        equal(told.returncode, 0)
        check(old["chain"] in told.stderr and "2020" in told.stderr, told.stderr)
        with tls_server([old]) as server:
            server.wait_for_line("TLS: .*old.pem.*2020")


def reasons_of_the_page():
    """@returns the counter of each reason for which a handshake fails, as docs/tls.md lists them."""
    page = pathlib.Path(SOURCE, "docs/tls.md").read_text()
    return dict(re.findall(r"^\| `(\w+)` \| `([\w ]+)` \| ", page, re.MULTILINE))


def sends(server, text, half_close=False):
    with server.connect() as client:
        client.send(text)
        if half_close:
            client.half_close()
        equal(client.rest(), b"")


def test_each_reason_of_a_failed_handshake():
    """One client each: its line in the log, and its counter."""
    with authority() as ca, tempfile.TemporaryDirectory() as folder:
        keys = [*set_key("/tls/client_ca", ca.path("ca.pem")), *set_key("/tls/client_certificate", "require"),
                *set_key("/tls/alpn", ["line/1"]), *set_key("/timeouts/handshake", 2)]
        stranger = Authority(folder)
        with tls_server([ca.issue("server")], *keys) as server:
            def refused(*options, trusted=ca):
                command = s_client(server, trusted, *options)
                return lambda: check(done(command).returncode != 0, command)

            clients = {"not_tls": lambda: sends(server, "GET / HTTP/1.1\r\n"),
                       "timed_out": lambda: sends(server, b"\x16\x03\x01"),
                       "closed": lambda: sends(server, b"\x16\x03\x01", half_close=True),
                       "no_common_version": refused("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
                       "no_common_cipher": refused("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"),
                       "client_certificate": refused("-tls1_2"),
                       "alpn": refused("-alpn", "h2"),
                       "other": refused(trusted=stranger)}
            sends(server, "x")  # the log has the counters of TLS from the first connection on
            counters, before = reasons_of_the_page(), dict.fromkeys(clients, 0) | {"not_tls": 1}
            equal(set(counters), set(clients))
            for reason, act in clients.items():
                equal((reason, server.counted(counters[reason])), (reason, before[reason]))
                known = len(server.lines)
                act()
                server.wait_for_line(rf"127.0.0.1:[0-9]+: TLS handshake \({reason}\): ", known)
                equal((reason, server.counted(counters[reason])), (reason, before[reason] + 1))


def test_a_thousand_silent_clients_and_fifty_good_ones():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with authority() as ca, tls_server([ca.issue("server")], *set_key("/timeouts/handshake", 3)) as server:
        good = [TlsClient(server, ca.context()) for _ in range(50)]
        silent = [server.connect() for _ in range(1000)]
        for client in good:
            equal(client.ask("x"), "X")
        for client in silent:
            equal(client.rest(), b"")
            client.close()
        for client in good:
            equal(client.ask("y"), "Y")
            client.close()
        check(eventually(lambda: server.counted("active") == 0))
        equal(server.counted("timed out"), 1000)


main(tests_of(sys.modules[__name__]))
