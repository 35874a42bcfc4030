"""Bad configuration files: status 2, one line that names a pointer or a line, and nothing bound."""

import os
import re
import subprocess
import sys
import tempfile

from common import PATIENCE, binary, check, equal, main

BAD = {
    "empty": b"",
    "truncated": b'{"listen": {"port": 99',
    "trailing comma": b'{"listen": {"port": 0},}',
    "byte order mark": b'\xef\xbb\xbf{"listen": {"port": 0}}',
    "UTF-16": '{"listen": {"port": 0}}'.encode("utf-16"),
    "not UTF-8": b'{"log": {"file": "\xe9"}}',
    "array at the root": b'[{"listen": {"port": 0}}]',
    "unknown key": b'{"listen": {"prot": 0}}',
    "duplicate key": b'{"listen": {"port": 0, "port": 1}}',
    "port 70000": b'{"listen": {"port": 70000}}',
    "port -1": b'{"listen": {"port": -1}}',
    "port 0.5": b'{"listen": {"port": 0.5}}',
    "port as text": b'{"listen": {"port": "80"}}',
    "port 1e-3": b'{"listen": {"port": 1e-3}}',
    "port null": b'{"listen": {"port": null}}',
    "negative timeout": b'{"timeouts": {"idle": -5}}',
    "overflowing duration": b'{"timeouts": {"idle": 1e300}}',
    "number too large for JSON": b'{"timeouts": {"idle": 1e999}}',
    "nesting bomb of arrays": b"[" * 1_000_000,
    "nesting bomb in app": b'{"app": ' + b'{"a":' * 1_000_000,
    "NUL after the document": b'{"listen": {"port": 0}}\0 {"prot": garbage',
    "NUL in a host": b'{"listen": {"host": "127.0.0.1\\u0000evil"}}',
    "NUL in a file name": b'{"log": {"file": "/tmp/x\\u0000y"}}',
    "certificate without a key": b'{"tls": {"certificates": [{"chain": "a.pem"}]}}',
    "certificate as a name": b'{"tls": {"certificates": "a.pem"}}',
    "unknown key of a certificate": b'{"tls": {"certificates": [{"chain": "a", "key": "b", "pin": "c"}]}}',
    "TLS 1.1": b'{"tls": {"min_version": "1.1"}}',
    "empty application protocol": b'{"tls": {"alpn": [""]}}',
    "network of 33 bits": b'{"access": {"deny": ["10.0.0.0/33"]}}',
    "name as a network": b'{"proxy": {"trusted": ["haproxy.local"]}}',
    "control characters in a key": b'{"a\\n\\u001b[2J": 1}',
}


def refuses(name, content):
    def test():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bad.json")
            calls = os.path.join(folder, "calls")
            with open(path, "wb") as file:
                file.write(content)
            done = subprocess.run(["strace", "-f", "-o", calls, "-e", "trace=bind,listen", binary("uppercase_server"),
                                   "--config", path], capture_output=True, timeout=PATIENCE,
                                  env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # which does not work here
            equal(done.returncode, 2)
            error = done.stderr.decode()
            equal(error.count("\n"), 1)
            check(error.startswith(path), error)
            check(re.match(re.escape(path) + r":( /\S+|\d+:\d+): ", error) or "root" in error, error)
            check(all(32 <= ord(c) or c == "\n" for c in error), repr(error))
            with open(calls) as file:
                text = file.read()
                check("bind(" not in text and "listen(" not in text, text)
    test.__name__ = name
    return test


if __name__ == "__main__":  # schema.py has the validator refuse the same
    main([refuses(name, content) for name, content in BAD.items()])
