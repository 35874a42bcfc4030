"""Python's ssl and OpenSSL's s_client speak to a TlsStream, and tls_client speaks to Python's ssl."""

import contextlib
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

from common import PATIENCE, binary, check, equal, main, run, tests_of


@contextlib.contextmanager
def echo():
    """A running tls_echo. Gives its process, its port and the folder of its certificates."""
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen([binary("tls_echo"), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as server:
            try:
                yield server, int(server.stdout.readline()), pathlib.Path(folder)
            finally:
                server.stdin.close()
                equal(server.wait(PATIENCE), 0)


def client_context(folder, version=None):
    context = ssl.create_default_context(cafile=folder / "authority.pem")
    context.check_hostname = True
    if version:
        context.minimum_version = context.maximum_version = version
    return context


@contextlib.contextmanager
def connected(port, context):
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False) as stream:
            with stream.makefile("rb") as answers:  # which would keep the socket open
                yield stream, answers


def test_python_asks_in_both_versions():
    with echo() as (_, port, folder):
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            with connected(port, client_context(folder, version)) as (stream, answers):
                equal(stream.version(), name)
                stream.sendall(b"one\ntwo\n")
                equal((answers.readline(), answers.readline()), (b"ONE\n", b"TWO\n"))
                stream.sendall(b"x" * 60000 + b"\n")
                equal(answers.readline(), b"X" * 60000 + b"\n")
                stream.sendall(b"close\n")
                equal(answers.readline(), b"END\n")
                equal(answers.read(), b"")  # the close_notify has come


def test_python_sees_a_connection_that_was_cut():
    with echo() as (_, port, folder):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with connected(port, client_context(folder, version)) as (stream, _):
                stream.sendall(b"cut\n")
                try:
                    data = stream.recv(100)
                except ssl.SSLEOFError:
                    continue
                check(False, f"a clean end: {data!r}")


def test_the_server_sees_a_connection_that_python_cuts():
    with echo() as (server, port, folder):
        with connected(port, client_context(folder)) as (stream, answers):
            stream.sendall(b"one\n")
            equal(answers.readline(), b"ONE\n")
        # Python's close sends no close_notify.
        equal(server.stdout.readline(), "recv: TLS: the peer ended the connection without close_notify\n")
        with connected(port, client_context(folder)) as (stream, answers):
            stream.sendall(b"one\n")
            equal(answers.readline(), b"ONE\n")
            try:
                stream.unwrap().close()  # close_notify, then what comes
            except ssl.SSLError:
                pass  # the server's last answer, which unwrap() does not expect
        with connected(port, client_context(folder)) as (stream, answers):
            stream.sendall(b"close\n")
            equal(answers.readline(), b"END\n")


def test_a_client_certificate_of_another_authority_is_refused():
    with echo() as (server, port, folder), echo() as (_, _, other):
        context = client_context(folder, ssl.TLSVersion.TLSv1_2)
        context.load_cert_chain(folder / "client.pem", folder / "client.key")
        with connected(port, context) as (stream, answers):
            stream.sendall(b"close\n")
            equal(answers.readline(), b"END\n")
        context = client_context(folder, ssl.TLSVersion.TLSv1_2)
        context.load_cert_chain(other / "client.pem", other / "client.key")
        try:
            with connected(port, context):
                check(False, "accepted")
        except (ssl.SSLError, ConnectionResetError):
            pass
        said = server.stdout.readline()
        check("TLS: client certificate: " in said, said)


def test_s_client_receives_a_close_notify():
    with echo() as (_, port, folder):
        for version in ("-tls1_2", "-tls1_3"):
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(folder / "authority.pem"),
                 "-verify_return_error", "-verify_hostname", "localhost", "-quiet", "-msg", version],
                input="hello\nclose\n", capture_output=True, text=True, timeout=PATIENCE)
            check("HELLO\n" in done.stdout, done.stdout + done.stderr)
            check("<<< TLS" in done.stdout and "close_notify" in done.stdout, done.stdout + done.stderr)


def test_old_versions_are_refused():
    with echo() as (server, port, folder):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_1", "-cipher",
                               "ALL:@SECLEVEL=0"], input="", capture_output=True, text=True, timeout=PATIENCE)
        check(done.returncode != 0 and "protocol version" in done.stderr, done.stderr)
        check("unsupported protocol" in server.stdout.readline(), "the log")


@contextlib.contextmanager
def python_server(folder, answers):
    """Python's ssl, for one connection, which `answers` is called with. Gives its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")

    def serve():
        plain, _ = listener.accept()
        with plain:
            plain.settimeout(PATIENCE)
            with contextlib.suppress(ssl.SSLError, OSError), context.wrap_socket(plain, server_side=True) as stream:
                answers(stream)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield str(listener.getsockname()[1])
        thread.join(PATIENCE)


def own_certificate(folder, name):
    """server.pem and server.key for the name, signed by itself."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                    "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout",
                    str(folder / "server.key"), "-out", str(folder / "server.pem")],
                   check=True, capture_output=True, timeout=PATIENCE)


def test_tls_client_asks_python():
    ends = []

    def answer(stream):
        for line in stream.makefile("rb"):
            stream.sendall(line.upper())
        ends.append("close_notify")  # else the read above fails

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        own_certificate(folder, "localhost")
        with python_server(folder, answer) as port:
            done = run("tls_client", "localhost", port, "hello", "world", "--ca", str(folder / "server.pem"))
            equal((done.returncode, done.stdout, done.stderr), (0, "HELLO\nWORLD\n", ""))
        equal(ends, ["close_notify"])


def test_tls_client_refuses_another_name_and_an_unknown_authority():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        own_certificate(folder, "example.com")
        with python_server(folder, lambda stream: None) as port:
            done = run("tls_client", "localhost", port, "x", "--ca", str(folder / "server.pem"))
            equal(done.returncode, 1)
            check("hostname mismatch" in done.stderr and "for localhost" in done.stderr, done.stderr)
        with python_server(folder, lambda stream: None) as port:
            done = run("tls_client", "localhost", port, "x", "--server-name", "example.com")
            equal(done.returncode, 1)
            check("self-signed certificate" in done.stderr, done.stderr)


def test_tls_client_says_what_is_cut_and_what_speaks_no_tls():
    def cut(stream):
        stream.recv(100)
        stream.sendall(b"half a li")
        os.close(stream.detach())

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        own_certificate(folder, "localhost")
        with python_server(folder, cut) as port:
            done = run("tls_client", "localhost", port, "x", "--ca", str(folder / "server.pem"))
            equal((done.returncode, done.stdout), (1, ""))
            check("without close_notify" in done.stderr, done.stderr)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        def plain():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"220 welcome\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=plain, daemon=True)
        thread.start()
        done = run("tls_client", "localhost", str(listener.getsockname()[1]), "x")
        thread.join(PATIENCE)
        equal(done.returncode, 1)
        check("does not speak TLS" in done.stderr, done.stderr)


def test_bad_usage():
    for arguments in ([], ["localhost"], ["localhost", "0"], ["localhost", "1", "x", "--key", "a.key"]):
        equal(run("tls_client", *arguments).returncode, 2)
    done = run("tls_client", "localhost", "1", "x", "--ca", "/no/such/file.pem")
    equal(done.returncode, 1)
    check("/no/such/file.pem: No such file or directory" in done.stderr, done.stderr)


main(tests_of(sys.modules[__name__]))
