"""Throw-away certificates, made by the openssl command, and Python's TLS clients for them."""

import contextlib
import pathlib
import ssl
import subprocess
import tempfile

from common import Client, Server, set_key


class Authority:
    """A folder with an authority, ca.pem, and what it has issued: NAME.pem and NAME.key."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self._openssl("req", "-x509", "-subj", "/CN=test authority", "-days", "2", *self._key("ca"), "-out", "ca.pem")

    def issue(self, name, names=("localhost",), days=2):
        """@returns the configuration's entry for a new certificate of these names."""
        (self.folder / "extensions").write_text("subjectAltName=" + ",".join(f"DNS:{one}" for one in names))
        self._openssl("req", "-new", "-subj", f"/CN={name}", *self._key(name), "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", str(days), "-extfile", "extensions", "-out", f"{name}.pem")
        return {"chain": self.path(f"{name}.pem"), "key": self.path(f"{name}.key")}

    def issue_expired(self, name):
        """@returns the configuration's entry for a certificate that was good on the first of January 2020."""
        (self.folder / "dates").write_text("[ca]\ndefault_ca = d\n[d]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n"
                                           "policy = p\ndefault_md = sha256\n[p]\ncommonName = supplied\n")
        (self.folder / "index").write_text("")
        self._openssl("req", "-new", "-subj", f"/CN={name}", *self._key(name), "-out", f"{name}.csr")
        self._openssl("ca", "-batch", "-notext", "-config", "dates", "-in", f"{name}.csr", "-cert", "ca.pem", "-keyfile",
                      "ca.key", "-startdate", "20200101000000Z", "-enddate", "20200102000000Z", "-out", f"{name}.pem")
        return {"chain": self.path(f"{name}.pem"), "key": self.path(f"{name}.key")}

    def path(self, name):
        return str(self.folder / name)

    def context(self, certificate=None, **settings):
        """@returns a client's context that trusts this authority. @param settings  of ssl.SSLContext, as alpn=["h2"]."""
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if certificate:
            context.load_cert_chain(certificate["chain"], certificate["key"])
        if "alpn" in settings:
            context.set_alpn_protocols(settings.pop("alpn"))
        for name, value in settings.items():
            setattr(context, name, value)
        return context

    def _key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"]

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


@contextlib.contextmanager
def authority():
    with tempfile.TemporaryDirectory() as folder:
        yield Authority(folder)


def tls_server(certificates, *sets, name="uppercase_server"):
    return Server(name, *set_key("/listen/tls", True), *set_key("/tls/certificates", certificates), *sets)


class TlsClient(Client):
    """A client whose connection has passed its handshake. @param session  one to resume."""

    def __init__(self, server, context, name="localhost", session=None):
        super().__init__(server.address)
        self.file.close()
        self.socket = context.wrap_socket(self.socket, server_hostname=name, session=session,
                                          suppress_ragged_eofs=False)
        self.file = self.socket.makefile("rb")
