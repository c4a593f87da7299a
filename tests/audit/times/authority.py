"""A time stamp authority: `openssl ts`, with certificates that `openssl` makes."""

import subprocess
from pathlib import Path

CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
[stamping]
extendedKeyUsage = critical, timeStamping
[serving]
extendedKeyUsage = critical, serverAuth
[tsa]
default_tsa = one
[one]
serial = ./serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha512
ess_cert_id_alg = sha256
"""
_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """An authority with a root of its own.

    Args:
        folder: An empty folder.
        name: The common name of its root.
        usage: Section of the key usage of its certificate.
        days: How long its certificate is valid from now on.
    """

    def __init__(self, folder: Path, name: str, usage: str = "stamping", days: int = 30) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "conf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        conf = ("-config", "conf")
        self._run("req", "-x509", *_EC, "-keyout", "root.key", "-out", "root.pem", "-subj",
                  f"/CN={name}", "-days", "60", "-extensions", "root", *conf)  # fmt: skip
        self._run("req", *_EC, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj",
                  f"/CN={name} stamps", *conf)  # fmt: skip
        self._run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key",
                  "-CAcreateserial", "-out", "tsa.pem", "-days", str(days), "-extfile", "conf",
                  "-extensions", usage)  # fmt: skip

    @property
    def certificate(self) -> bytes:
        """The certificate of its root, PEM."""
        return (self.folder / "root.pem").read_bytes()

    def answer(self, request: bytes, *more: str) -> bytes:
        """Return the response to a request, DER; `more` are arguments of `openssl ts -reply`."""
        (self.folder / "in.tsq").write_bytes(request)
        self._run("ts", "-reply", "-config", "conf", "-section", "one", "-queryfile", "in.tsq",
                  "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "out.tsr", *more)  # fmt: skip
        return (self.folder / "out.tsr").read_bytes()

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
