"""Each key of the configuration changes what a running server does."""

import contextlib
import json
import os
import pathlib
import select
import socket
import ssl
import sys
import tempfile
import time

from certificates import Authority, TlsClient, authority, tls_server
from common import PATIENCE, POLICIES, Client, Server, check, equal, eventually, main, run, set_key, tests_of


def options(*sets):
    """nodelay, keepalive, receive and send buffer, and the keepalive's idle time, interval and count, of a connection, as
    the kernel has them."""
    with Server("probe_server", *sets) as server:
        return [int(value) for value in server.ask("options").split()]


def closed_after(server, seconds, what=b""):
    """Connects, sends what is to be sent, and waits until the server closes, which it must not do before this many
    seconds after that. @returns what it had sent."""
    start = time.monotonic()
    with server.connect() as client:
        client.send(what)
        rest = client.rest()
    check(time.monotonic() - start >= seconds, "closed early")
    return rest


def silent(client):
    """Whether nothing has come. What is not sent never comes, so this cannot fail for slowness."""
    return not select.select([client.socket], [], [], 0.2)[0]


def test_listen_host():
    with Server("uppercase_server", "--host", "::1") as server:
        equal(server.address[0], "::1")
        equal(server.ask("x"), "X")


def test_listen_port():
    with socket.socket() as taken:  # so that no other process gets it meanwhile
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with Server("uppercase_server", "--port", str(port), *set_key("/listen/reuse_port", True)) as server:
            equal(server.address, ("127.0.0.1", port))
            equal(server.ask("x"), "X")


def test_listen_backlog():
    with Server("uppercase_server", *set_key("/listen/backlog", 7)) as server:
        server.wait_for_line("backlog: asked 7, granted 7 ")  # granted: read back from the kernel
    with Server("uppercase_server", *set_key("/listen/backlog", None)) as server:
        found = server.wait_for_line(r"backlog: asked the most, granted (\d+) \(somaxconn (\d+),")
        equal(found[1], found[2])


def ask_unix(path, line="x"):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect("\0" + path[1:] if path.startswith("@") else path)
        client.sendall(line.encode() + b"\n")
        return client.makefile("r").readline().rstrip("\n")


def entries(*listen):
    return ("--set", "/listen=" + json.dumps(listen))


def test_listen_path():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        for name in path, f"@socketserver-{os.getpid()}":
            with Server("uppercase_server", *set_key("/listen/path", name), wait=False) as server:
                server.wait_for_line(rf"listening on unix:{name},")
                equal(ask_unix(name), "X")
                equal(server.stop(), 0)
        check(not os.path.exists(path), path, "was left")


def test_listen_path_of_a_dead_a_living_and_no_server():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        with Server("uppercase_server", *set_key("/listen/path", path), wait=False) as server:
            server.wait_for_line("listening on unix:")
            done = run("uppercase_server", *set_key("/listen/path", path))
            equal((done.returncode, done.stderr), (1, f"failed to start: cannot listen on unix:{path}: a server listens "
                                                      "there: Address already in use\n"))
            equal(ask_unix(path), "X")
            server.process.kill()  # which leaves its file
            server.process.wait()
        check(os.path.exists(path))
        with Server("uppercase_server", *set_key("/listen/path", path), wait=False) as server:
            server.wait_for_line("listening on unix:")
            equal(ask_unix(path), "X")
        plain = os.path.join(folder, "plain")
        pathlib.Path(plain).write_text("precious")
        done = run("uppercase_server", *set_key("/listen/path", plain))
        equal(done.returncode, 1)
        check("the file is no socket" in done.stderr, done.stderr)
        equal(pathlib.Path(plain).read_text(), "precious")


def test_listen_mode():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        for mode in "0600", "0666":
            with Server("uppercase_server", *set_key("/listen/path", path), *set_key("/listen/mode", mode),
                        wait=False) as server:
                server.wait_for_line("listening on unix:")
                equal(oct(os.stat(path).st_mode & 0o7777), oct(int(mode, 8)))


def test_listen_name():
    with Server("uppercase_server", *set_key("/listen/name", "front")) as server:
        server.wait_for_line(r"listening on 127\.0\.0\.1:\d+ \(front\), policy ")


def test_listen_with_several_entries():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        for policy in POLICIES:
            local = {"host": "127.0.0.1", "port": 0}
            with Server("uppercase_server", "--policy", policy, *entries(local, {**local, "name": "two"}, {"path": path}),
                        *set_key("/listen/0/name", "one")) as server:
                ports = [int(server.wait_for_line(rf"listening on 127\.0\.0\.1:(\d+) \({name}\)")[1])
                         for name in ("one", "two")]
                server.wait_for_line("listening on unix:")
                for port in ports:
                    with Client(("127.0.0.1", port)) as client:
                        equal(client.ask("x"), "X")
                equal(ask_unix(path), "X")
                equal(server.stop(), 0)


def test_listen_binds_all_entries_or_none():
    with socket.socket() as taken, tempfile.TemporaryDirectory() as folder:
        taken.bind(("127.0.0.1", 0))
        path = os.path.join(folder, "s")
        port = taken.getsockname()[1]
        done = run("uppercase_server", *entries({"path": path}, {"host": "127.0.0.1", "port": port}))
        equal((done.returncode, done.stderr), (1, f"failed to start: /listen/1/port: cannot listen on 127.0.0.1:{port}: "
                                                  "Address already in use\n"))
        check(not os.path.exists(path), "the first entry's file was left")


def test_listen_out_of_descriptors_on_several_entries():
    local = {"host": "127.0.0.1", "port": 0}
    with Server("uppercase_server", "--policy", "thread", *entries(local, {**local, "name": "two"}),
                descriptors=(64, 64)) as server:
        second = int(server.wait_for_line(r"listening on 127\.0\.0\.1:(\d+) \(two\)")[1])
        with contextlib.ExitStack() as clients:
            for port in [server.address[1], second] * 20:
                clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
        check(eventually(lambda: server.ask("x") == "X"))
        with Client(("127.0.0.1", second)) as client:
            equal(client.ask("x"), "X")


def test_print_config_shows_what_applies_and_can_be_read_again():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "config")
        common = ("backlog", "path", "mode", "name", "proxy_protocol", "tls")
        listen = [{"port": 1}, {"path": "/run/x", "mode": "0660"}, {"path": "@x"}]
        shown = run("uppercase_server", "--print-config", *entries(*listen)).stdout
        pathlib.Path(path).write_text(shown)
        equal(run("uppercase_server", "--print-config", "--config", path).stdout, shown)
        equal([sorted(entry) for entry in json.loads(shown)["listen"]],
              [sorted(("host", "port", "reuse_address", "reuse_port", *common))] + 2 * [sorted(common)])


def test_a_key_of_an_entry_that_does_not_apply_is_an_error():
    for sets, text in (
            (entries({"path": "/x", "port": 1}), "/listen/0/port: does not apply to a Unix socket"),
            (entries({"port": 1}, {"mode": "0600"}), "/listen/1/mode: applies to a Unix socket's file"),
            (entries({"path": "@x", "mode": "0600"}), "/listen/mode: applies to a Unix socket's file"),
            ((*entries({"path": "/x"}), "--set", "/listen/0/port=1"), "/listen/0/port: does not apply"),
            (set_key("/listen/1/port", 1), "/listen/1/port: there is no such entry, the last is 0"),
            (set_key("/listen/path", "x" * 108), "of 108 bytes, of at most 107"),
            (entries(), "/listen: got 0 entries; takes 1 to 64"),
            (entries({"prot": 1}), "/listen/0/prot: there is no such key; did you mean /listen/port?")):
        done = run("uppercase_server", "--check", *sets)
        equal(done.returncode, 2)
        check(text in done.stderr, done.stderr)


def test_listen_reuse_address():
    def restart_in_time_wait(reuse):
        with Server("uppercase_server") as server, server.connect() as client:
            equal(client.ask("x"), "X")
            address = server.address
            equal(server.stop(), 0)  # the server closes first, so its side is in TIME_WAIT
        arguments = ["--host", address[0], "--port", str(address[1]), *set_key("/listen/reuse_address", reuse)]
        if not reuse:
            return run("uppercase_server", *arguments).returncode
        with Server("uppercase_server", *arguments) as again:
            return again.stop()
    equal(restart_in_time_wait(False), 1)
    equal(restart_in_time_wait(True), 0)


def test_listen_reuse_port():
    share = set_key("/listen/reuse_port", True)
    with Server("uppercase_server", *share) as first:
        port = ["--port", str(first.address[1])]
        equal(run("uppercase_server", "--host", "127.0.0.1", *port).returncode, 1)
        with Server("uppercase_server", *port, *share) as second:
            equal(second.address, first.address)


def proxied(*sets, trusted=("127.0.0.1",), name="probe_server"):
    return Server(name, *set_key("/listen/proxy_protocol", True), *set_key("/proxy/trusted", list(trusted)), *sets)


def test_listen_proxy_protocol():
    with proxied() as server, server.connect() as client:
        client.send("PROXY TCP4 203.0.113.7 192.0.2.80 7 80\r\n")
        equal(client.ask("client"), "203.0.113.7:7")
    with Server("probe_server") as server:
        check(server.ask("client").startswith("127.0.0.1:"))


def test_proxy_trusted():
    with proxied(trusted=["192.0.2.0/24"]) as server, server.connect() as client:
        equal(client.rest(), b"")
        server.wait_for_line("127.0.0.1:[0-9]+ refused: is in no network of /proxy/trusted")
        equal(server.counted("proxy untrusted"), 1)
    done = run("uppercase_server", "--check", *set_key("/listen/proxy_protocol", True))
    equal(done.returncode, 2)
    check("/proxy/trusted is empty" in done.stderr.replace(":", ""), done.stderr)


def test_timeouts_handshake():
    with proxied(*set_key("/timeouts/handshake", 0.2)) as server:
        closed_after(server, 0.2, "PROXY ")
        server.wait_for_line("PROXY header: timed out")


def refused(*sets):
    """Whether a server with these keys refuses a client of 127.0.0.1."""
    with Server("uppercase_server", *sets) as server, server.connect() as client:
        try:
            return client.ask("x") != "X"
        except (EOFError, ConnectionError):
            return True


def test_access_allow():
    check(refused(*set_key("/access/allow", ["192.0.2.0/24"])))
    check(not refused(*set_key("/access/allow", ["192.0.2.0/24", "127.0.0.0/8"])))


def test_access_deny():
    check(refused(*set_key("/access/deny", ["127.0.0.1"])))
    check(not refused(*set_key("/access/deny", ["192.0.2.0/24"])))


def test_access_max_connections_per_client():
    with Server("uppercase_server", *set_key("/access/max_connections_per_client", 2)) as server:
        with server.connect() as first, server.connect() as second:
            equal((first.ask("a"), second.ask("b")), ("A", "B"))
            with server.connect() as third:
                check(ends(third))
            server.wait_for_line("refused: has as many connections as /access/max_connections_per_client")
        eventually(lambda: server.counted("active") == 0)
        equal(server.ask("c"), "C")


def test_access_accepts_per_second_per_client():
    with Server("uppercase_server", *set_key("/access/accepts_per_second_per_client", 2)) as server:
        for _ in range(50):
            with server.connect():
                pass
        eventually(lambda: server.counted("accepted") == 50)
        check(server.counted("access refused") > 0)
        server.wait_for_line("refused: connects more often than /access/accepts_per_second_per_client")


def ends(client):
    """Whether the connection ends without a byte, by EOF or by a reset."""
    return client.rest() in (b"", None)


def test_listen_tls():
    with authority() as ca, tls_server([ca.issue("server")]) as server:
        with TlsClient(server, ca.context()) as client:
            equal(client.ask("x"), "X")
        with server.connect() as plain:
            plain.send("x\n")
            check(ends(plain))
        server.wait_for_line(r"TLS handshake \(not_tls\)")


def test_tls_certificates():
    with authority() as ca:
        certificates = [ca.issue("first", ["first.test"]), ca.issue("second", ["*.second.test"])]
        with tls_server(certificates) as server:
            for asked, answered in (("first.test", "first"), ("a.second.test", "second")):
                with TlsClient(server, ca.context(), asked) as client:
                    equal(client.socket.getpeercert()["subject"], ((("commonName", answered),),))
            refused = [client_error(server, ca.context(), "other.test")]
            check("Hostname mismatch" in refused[0], refused)
        swapped = [{"chain": certificates[0]["chain"], "key": certificates[1]["key"]}]
        for extra in ([], ["--check"]):
            done = run("uppercase_server", *set_key("/listen/tls", True), *set_key("/tls/certificates", swapped), *extra)
            equal(done.returncode, 2)
            check(swapped[0]["key"] in done.stderr, done.stderr)
    done = run("uppercase_server", "--check", *set_key("/listen/tls", True))
    equal(done.returncode, 2)
    check("/tls/certificates" in done.stderr, done.stderr)


def client_error(server, context, name="localhost"):
    """Connects and asks. @returns the text of the error that this ends with, "" if there is none."""
    try:
        with TlsClient(server, context, name) as client:
            check(client.ask("x") == "X", "no answer and no error")
            return ""
    except (OSError, AssertionError) as error:
        return str(error)


def test_tls_client_certificate():
    with authority() as ca, tempfile.TemporaryDirectory() as folder:
        own, other = ca.issue("client"), Authority(folder).issue("client")
        keys = set_key("/tls/client_ca", ca.path("ca.pem"))
        for mode, without in (("none", ""), ("request", ""), ("require", "certificate required")):
            with tls_server([ca.issue("server")], *keys, *set_key("/tls/client_certificate", mode)) as server:
                check(without in client_error(server, ca.context()), mode)
                equal(client_error(server, ca.context(own)), "")
                if mode != "none":  # one that is sent is verified
                    check("unknown ca" in client_error(server, ca.context(other)), mode)


def test_tls_client_ca():
    with authority() as ca, tempfile.TemporaryDirectory() as folder:
        strangers = Authority(folder)
        keys = set_key("/tls/client_certificate", "require")
        with tls_server([ca.issue("server")], *keys, *set_key("/tls/client_ca", strangers.path("ca.pem"))) as server:
            check("unknown ca" in client_error(server, ca.context(ca.issue("client"))))
            equal(client_error(server, ca.context(strangers.issue("client"))), "")
        done = run("uppercase_server", "--check", *keys)
        equal(done.returncode, 2)
        check("/tls/client_ca" in done.stderr, done.stderr)


def test_tls_min_version():
    with authority() as ca:
        for oldest, spoken in (("1.2", True), ("1.3", False)):
            with tls_server([ca.issue("server")], *set_key("/tls/min_version", oldest)) as server:
                old = ca.context(maximum_version=ssl.TLSVersion.TLSv1_2)
                equal((oldest, client_error(server, old) == ""), (oldest, spoken))
                equal(client_error(server, ca.context()), "")
                check(eventually(lambda: server.counted("no common version") == (0 if spoken else 1)))


def test_tls_ciphers():
    with authority() as ca:
        key = set_key("/tls/ciphers", "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305")
        with tls_server([ca.issue("server")], *key) as server:
            with TlsClient(server, ca.context()) as client:
                equal(client.socket.cipher()[0], "TLS_CHACHA20_POLY1305_SHA256")
        done = run("uppercase_server", "--check", *set_key("/listen/tls", True),
                   *set_key("/tls/certificates", [ca.issue("server")]), *set_key("/tls/ciphers", "NO-SUCH-CIPHER"))
        equal(done.returncode, 2)
        check("NO-SUCH-CIPHER" in done.stderr, done.stderr)


def test_tls_alpn():
    with authority() as ca, tls_server([ca.issue("server")], *set_key("/tls/alpn", ["line/2", "line/1"])) as server:
        for offered, agreed in ((["line/1", "line/2"], "line/2"), (["line/1"], "line/1")):
            with TlsClient(server, ca.context(alpn=offered)) as client:
                equal(client.socket.selected_alpn_protocol(), agreed)
        equal(client_error(server, ca.context()), "")
        check("no application protocol" in client_error(server, ca.context(alpn=["h2"])))
        check(eventually(lambda: server.counted("no common protocol") == 1))


def test_tls_session_tickets():
    with authority() as ca:
        for tickets in (True, False):
            with tls_server([ca.issue("server")], *set_key("/tls/session_tickets", tickets)) as server:
                context = ca.context()
                with TlsClient(server, context) as client:
                    equal(client.ask("x"), "X")
                    session = client.socket.session
                with TlsClient(server, context, session=session) as again:
                    equal(again.ask("x"), "X")
                    equal((tickets, again.socket.session_reused), (tickets, tickets))


def test_socket_nodelay():
    check(options(*set_key("/socket/nodelay", True))[0] != 0)
    check(options(*set_key("/socket/nodelay", False))[0] == 0)


def test_socket_keepalive():
    check(options(*set_key("/socket/keepalive", True))[1] != 0)
    check(options(*set_key("/socket/keepalive", False))[1] == 0)


def test_socket_keepalive_idle():
    equal(options(*set_key("/socket/keepalive_idle", 77))[4], 77)
    check(options(*set_key("/socket/keepalive_idle", None))[4] != 77)


def test_socket_keepalive_interval():
    equal(options(*set_key("/socket/keepalive_interval", 8))[5], 8)
    check(options(*set_key("/socket/keepalive_interval", None))[5] != 8)


def test_socket_keepalive_count():
    equal(options(*set_key("/socket/keepalive_count", 4))[6], 4)
    check(options(*set_key("/socket/keepalive_count", None))[6] != 4)


def test_socket_receive_buffer():
    equal(options(*set_key("/socket/receive_buffer", 20000))[2], 40000)
    check(options(*set_key("/socket/receive_buffer", None))[2] != 40000)


def test_socket_send_buffer():
    equal(options(*set_key("/socket/send_buffer", 30000))[3], 60000)
    check(options(*set_key("/socket/send_buffer", None))[3] != 60000)


def test_concurrency_policy():
    def threads_of_three(policy):
        """The threads that serve three connections in turn, and the main thread."""
        with Server("probe_server", "--policy", policy, *set_key("/concurrency/threads", 1)) as server:
            return {server.ask("thread") for _ in range(3)}, server.ask("main thread")
    threads, main_thread = threads_of_three("inline")
    equal(threads, {main_thread})
    threads, main_thread = threads_of_three("pool")
    check(len(threads) == 1 and main_thread not in threads, threads)
    threads, main_thread = threads_of_three("thread")
    check(len(threads) == 3 and main_thread not in threads, threads)
    with Server("probe_server", "--policy", "fiber", *set_key("/concurrency/threads", 1)) as server:
        with server.connect() as first, server.connect() as second, server.connect() as third:
            # All at once, on one thread.
            equal(len({client.ask("thread") for client in (first, second, third)} - {first.ask("main thread")}), 1)


def test_concurrency_stack_size():
    arguments = "--policy", "fiber", "--threads", "1", *set_key("/concurrency/stack_size", 500000)
    with Server("probe_server", *arguments) as server, server.connect() as client:
        equal(client.ask("stack 200000"), "used")
        client.send("stack 900000\n")
        check(not client.rest())
        server.wait_for_line("stack overflowed: raise /concurrency/stack_size, which is 503808 bytes")
        check(server.process.wait(10) != 0)


def test_concurrency_threads():
    loops = len(os.sched_getaffinity(0))
    with Server("probe_server", *set_key("/concurrency/threads", None)) as server:
        server.wait_for_line(f"policy fiber of {loops} loops")
    with Server("probe_server", "--policy", "pool") as server:
        server.wait_for_line(f"policy pool of {max(4, loops)} threads")
    with Server("probe_server", "--threads", "2", "--policy", "fiber") as server:
        with server.connect() as first, server.connect() as second:
            check(first.ask("thread") != second.ask("thread"))
    with Server("probe_server", "--threads", "2", "--policy", "pool", *set_key("/concurrency/queue", 5)) as server:
        with server.connect() as first, server.connect() as second, server.connect() as third:
            check(first.ask("thread") != second.ask("thread"))
            third.send("thread\n")
            check(silent(third), "a third connection was served by two workers")
            first.close()
            check(third.line() != "")


def overflowing_server(overflow):
    return Server("probe_server", "--threads", "1", "--policy", "pool", *set_key("/concurrency/queue", 1), "--log-level", "debug",
                  *set_key("/concurrency/overflow", overflow), *set_key("/concurrency/reject_message", "full\n"))


def test_concurrency_queue():
    with overflowing_server("reject") as server, server.connect() as served, server.connect() as queued:
        equal(served.ask("x"), "x")
        queued.send("y\n")
        check(eventually(lambda: server.counted("queued") == 1))
        with server.connect() as excess:
            equal(excess.rest(), b"full\n")
        served.close()
        equal(queued.line(), "y")


def test_concurrency_overflow():
    with overflowing_server("wait") as server, server.connect() as served, server.connect() as queued:
        equal(served.ask("x"), "x")
        queued.send("y\n")
        check(eventually(lambda: server.counted("queued") == 1))
        with server.connect() as waiting:
            waiting.send("z\n")
            check(silent(waiting))
            served.close()
            queued.close()
            equal(waiting.line(), "z")


def test_concurrency_reject_message():
    with Server("probe_server", *set_key("/limits/max_connections", 1), *set_key("/concurrency/overflow", "reject"),
                *set_key("/concurrency/reject_message", "come back later\r\n")) as server:
        with server.connect() as inside:
            equal(inside.ask("x"), "x")
            with server.connect() as outside:
                equal(outside.rest(), b"come back later\r\n")


def test_limits_max_connections():
    with Server("probe_server", "--policy", "thread", *set_key("/limits/max_connections", 2)) as server:
        with server.connect() as first, server.connect() as second, server.connect() as third:
            equal(first.ask("x"), "x")
            equal(second.ask("y"), "y")
            third.send("z\n")
            check(silent(third))
            second.close()
            equal(third.line(), "z")


def test_limits_max_line():
    with Server("uppercase_server", *set_key("/limits/max_line", 10)) as server:
        equal(server.ask("123456789"), "123456789")
        with server.connect() as client:
            client.send("1234567890\n")
            check(not client.rest())
        server.wait_for_line("no end of line within 10 bytes")


def test_limits_read_buffer():
    def peeked(size):
        with Server("probe_server", *set_key("/limits/read_buffer", size)) as server, server.connect() as client:
            client.send("peek\n" + "x" * 1000 + "\n")
            return client.line()
    check(int(peeked(16).split()[1]) <= 16)
    check(int(peeked(4096).split()[1]) > 16)


def test_limits_write_buffer():
    def sent_at_once(size):
        with Server("probe_server", *set_key("/limits/write_buffer", size)) as server:
            with server.connect() as holding, server.connect() as releasing:
                equal(holding.ask("x"), "x")
                holding.send("hold\n")
                early = not silent(holding)
                releasing.send("release\n")
                equal(holding.line(), "held")
                equal(holding.line(), "released")
                return early
    equal(sent_at_once(0), True)
    equal(sent_at_once(4096), False)


def test_timeouts_idle():
    with Server("uppercase_server", *set_key("/timeouts/idle", 0.2)) as server:
        equal(closed_after(server, 0.2), b"")
        server.wait_for_line("idle timeout")


def test_timeouts_read():
    with Server("uppercase_server", *set_key("/timeouts/read", 0.2)) as server:
        equal(closed_after(server, 0.2, b"a"), b"")
        server.wait_for_line("read timeout")


def test_timeouts_write():
    with Server("probe_server", *set_key("/timeouts/write", 0.2)) as server, server.connect() as client:
        client.send("flood\n")
        server.wait_for_line("sendall: Connection timed out")


def test_timeouts_lifetime():
    with Server("uppercase_server", *set_key("/timeouts/lifetime", 0.3)) as server:
        equal(closed_after(server, 0.3, b"x\n"), b"X\n")


def test_timeouts_drain():
    with Server("probe_server", "--policy", "thread", *set_key("/timeouts/drain", 0.2)) as server:
        with server.connect() as client:
            equal(client.ask("x"), "x")
            client.send("half")
            equal(server.ask("y"), "y")
            start = time.monotonic()
            equal(server.stop(), 3)
            check(time.monotonic() - start >= 0.2, "forced before the deadline")


def test_timeouts_linger():
    def sends_until_reset(linger, most):
        """Sends to a connection that the server has ended. @returns how often before it was reset."""
        with Server("probe_server", *set_key("/timeouts/linger", linger)) as server, server.connect() as client:
            equal(client.ask("leave"), "")
            for count in range(most):
                try:
                    client.send("late")
                    equal(server.ask("x"), "x")
                except ConnectionError:
                    return count
            return most
    equal(sends_until_reset(30, 20), 20)
    check(sends_until_reset(None, 10_000) < 10_000)
    check(sends_until_reset(0.1, 10_000) < 10_000)


def test_log_level():
    with Server("uppercase_server", "--log-level", "debug") as server:
        equal(server.ask("x"), "X")
        server.wait_for_line(r"127\.0\.0\.1:\d+ connected$")
        server.wait_for_line(r"127\.0\.0\.1:\d+ served after \S+ s, 2 bytes in, 2 bytes out$")
    with Server("uppercase_server", "--log-level", "info") as server:
        equal(server.ask("x"), "X")
        equal(server.stop(), 0)
        check(not any(line and "connected" in line for line in server.lines), server.lines)


def test_log_pattern():
    with Server("uppercase_server", *set_key("/log/pattern", "{level}|{processName}|{process}|{message}")) as server:
        server.wait_for_line(rf"^info\|uppercase_server\|{server.process.pid}\|listening on ")


def test_log_file():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        with Server("uppercase_server", *set_key("/log/file", path), wait=False) as server:
            while not os.path.exists(path) or "descriptors" not in open(path).read():
                check(server.process.poll() is None, "the server has ended")
            equal(server.stop(), 0)
        equal(server.lines, [None])
        check("stopped: 0 connections drained" in open(path).read())


def test_app():
    with Server("probe_server", *set_key("/app", {"greeting": ["hi", None]})) as server:
        equal(json.loads(server.ask("app")), {"greeting": ["hi", None]})


def test_every_key_has_a_test():
    document = json.loads(run("uppercase_server", "--print-config").stdout)
    keys = {f"test_{section}_{name}" for section, values in document.items() if section != "app" for name in values}
    keys |= {"test_app"}
    missing = keys - set(globals())
    check(not missing, "no test for", missing)


main(tests_of(sys.modules[__name__]))
