"""Servers behind HAProxy and nginx, which run from the files that docs/behind_a_proxy.md shows."""

import contextlib
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from certificates import Authority, TlsClient
from common import PATIENCE, POLICIES, SOURCE, Client, Server, check, equal, eventually, main, set_key, tests_of

FILES = pathlib.Path(SOURCE, "examples/behind_a_proxy")
CONFIG = pathlib.Path(SOURCE, "config/behind_a_proxy.json")


def listened_on(ports):
    """Whether each of these ports of 127.0.0.1 has a listener. A connection would reach the server. Source: proc(5)."""
    table = pathlib.Path("/proc/net/tcp").read_text()
    return all(f" 0100007F:{port:04X} 00000000:0000 0A " in table for port in ports)


class Proxy:
    """A proxy that runs from one of the files, with free ports in the place of the file's. Its `address` of a port in
    the file is where it listens."""

    def __init__(self, folder, name, servers):
        """@param servers  the port in the file, and the server that is to have its connections."""
        text = pathlib.Path(FILES, name).read_text()
        self._ports = dict.fromkeys(re.findall(r"(?:bind|listen) 127\.0\.0\.1:(\d+)", text))
        with contextlib.ExitStack() as bound:
            for port in self._ports:
                holder = bound.enter_context(socket.socket())
                holder.bind(("127.0.0.1", 0))
                self._ports[port] = holder.getsockname()[1]
        chosen = self._ports | {str(port): server.address[1] for port, server in servers.items()}
        path = pathlib.Path(folder, name)
        path.write_text(re.sub(r"(?<=127\.0\.0\.1:)(\d+)", lambda found: str(chosen.get(found[1], 1)), text))
        command = ["haproxy", "-db", "-f"] if name == "haproxy.cfg" else ["nginx", "-p", folder, "-g", "daemon off;", "-c"]
        self._said = pathlib.Path(folder, f"{name}.log")
        with open(self._said, "w") as log:
            self._process = subprocess.Popen([*command, str(path)], cwd=folder, stdout=log, stderr=log)

    def address(self, port):
        return "127.0.0.1", self._ports[str(port)]

    def __enter__(self):
        ports = self._ports.values()
        running = eventually(lambda: self._process.poll() is not None or listened_on(ports))
        check(running and self._process.poll() is None, self._said.read_text())
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()


@contextlib.contextmanager
def behind(name, *sets, **options):
    """The proxy of this file before two servers, the second of which speaks TLS. Gives proxy, both, and an authority."""
    with tempfile.TemporaryDirectory() as folder:
        ca = Authority(folder)
        own = ca.issue("server")
        secure = [*set_key("/listen/tls", True), *set_key("/tls/certificates", [own])]
        file = ["--config", str(CONFIG), *sets]
        with Server("probe_server", *file, **options) as plain, Server("probe_server", *file, *secure) as tls:
            with Proxy(folder, name, {9999: plain, 9998: plain, 9443: tls}) as proxy:
                yield proxy, plain, tls, ca


class Behind:
    """What a TlsClient connects to."""

    def __init__(self, proxy, port):
        self.address = proxy.address(port)


def the_addresses(client):
    """@returns whether client_address() is this client, and connection_address() another one."""
    own = "%s:%s" % client.socket.getsockname()
    announced, connection = client.ask("client"), client.ask("connection")
    return announced == own and connection.startswith("127.0.0.1:") and connection != own


def test_haproxy_announces_the_client_by_both_versions():
    for policy in POLICIES:
        with behind("haproxy.cfg", "--policy", policy) as (proxy, _, _, _):
            for port in (8001, 8002):
                with Client(proxy.address(port)) as client:
                    check(the_addresses(client), policy, port)


def test_haproxy_passes_tls_through_after_its_header():
    for policy in POLICIES:
        with behind("haproxy.cfg", "--policy", policy) as (proxy, _, tls, ca):
            with TlsClient(Behind(proxy, 8003), ca.context()) as client:
                check(the_addresses(client), policy)
                equal(client.ask("tls"), "TLSv1.3 localhost  no certificate")


def test_haproxy_s_checks_are_counted_apart_and_not_logged():
    with behind("haproxy.cfg") as (proxy, plain, tls, _):
        for server in (plain, tls):
            check(eventually(lambda: server.counted("proxy probes") >= 3), "no checks came")
            equal((server.counted("failed"), server.counted("proxy invalid"), server.counted("timed out")), (0, 0, 0))
            events = [line for line in server.lines if line and re.search(r"\] 127\.0\.0\.1:\d+: ", line)]
            equal(events, [])  # the list of active connections, at SIGUSR1, may name one


def test_a_server_that_stops_behind_haproxy_loses_no_client():
    """Its listening socket closes, and HAProxy connects to the other server."""
    with tempfile.TemporaryDirectory() as folder, Server("probe_server", "--config", str(CONFIG)) as first:
        with Server("probe_server", "--config", str(CONFIG)) as second:
            with Proxy(folder, "haproxy.cfg", {9999: first, 9998: second}) as proxy:
                for number in range(40):
                    if number == 20:
                        equal(first.stop(), 0)
                    with Client(proxy.address(8001)) as client:
                        check(the_addresses(client), number)


def test_nginx_announces_the_client():
    with behind("nginx.conf") as (proxy, _, _, _):
        with Client(proxy.address(8001)) as client:
            check(the_addresses(client))


def test_nginx_speaks_tls_with_the_client():
    with behind("nginx.conf") as (proxy, plain, _, ca):
        with TlsClient(Behind(proxy, 8002), ca.context()) as client:
            check(the_addresses(client))
            equal(client.ask("tls"), "none")  # the server's side of it is plain


def test_nginx_passes_tls_through_after_its_header():
    with behind("nginx.conf") as (proxy, _, _, ca):
        with TlsClient(Behind(proxy, 8003), ca.context()) as client:
            check(the_addresses(client))
            equal(client.ask("tls"), "TLSv1.3 localhost  no certificate")


def test_access_is_by_the_announced_client():
    with behind("haproxy.cfg", *set_key("/access/max_connections_per_client", 2)) as (proxy, plain, _, _):
        with Client(proxy.address(8001)) as first, Client(proxy.address(8002)) as second:
            check(the_addresses(first) and the_addresses(second))
            with Client(proxy.address(8001)) as third:
                check(third.rest() in (b"", None))
        plain.wait_for_line("refused: has as many connections as /access/max_connections_per_client")
        check(eventually(lambda: plain.counted("active") == 0))
        with Client(proxy.address(8001)) as again:
            check(the_addresses(again))


def test_a_proxy_that_is_not_trusted_is_refused():
    with behind("nginx.conf", *set_key("/proxy/trusted", ["192.0.2.0/24"])) as (proxy, plain, _, _):
        with Client(proxy.address(8001)) as client:
            check(client.rest() in (b"", None))
        check(plain.counted("proxy untrusted") > 0)


def test_a_handler_reads_the_fields_of_a_header():
    name = b"\x02\x00\x0bexample.org"  # PP2_TYPE_AUTHORITY
    addresses = socket.inet_aton("203.0.113.7") + socket.inet_aton("192.0.2.80") + b"\x00\x07\x00\x50"
    header = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11" + (len(addresses) + len(name)).to_bytes(2, "big") + addresses + name
    keys = (*set_key("/listen/proxy_protocol", True), *set_key("/proxy/trusted", ["127.0.0.1"]))
    with Server("probe_server", *keys) as server, server.connect() as client:
        client.send(header)
        equal((client.ask("authority"), client.ask("client")), ("example.org", "203.0.113.7:7"))


def test_access_refuses_the_announced_client():
    with behind("haproxy.cfg", *set_key("/access/deny", ["127.0.0.0/8"])) as (proxy, plain, _, _):
        with Client(proxy.address(8001)) as client:
            check(client.rest() in (b"", None))
        plain.wait_for_line("127.0.0.1:[0-9]+ refused: ")
        check(plain.counted("access refused") > 0)


main(tests_of(sys.modules[__name__]))
