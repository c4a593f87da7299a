"""A TLS server on loopback that answers whatever a test wants, and its certificate authority."""

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Handler = Callable[[ssl.SSLSocket, bytes], None]
"""Given the connection and the head of the request, answers."""


@dataclass
class Authority:
    """A certificate authority of the test's own."""

    folder: Path
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.certificate = self._sign("test authority", self.key.public_key(), None)
        (self.folder / "ca.pem").write_bytes(
            self.certificate.public_bytes(serialization.Encoding.PEM)
        )

    @property
    def file(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.pem"

    def client(self) -> ssl.SSLContext:
        """A client's context that believes this authority and no other."""
        return ssl.create_default_context(cafile=str(self.file))

    def server(self, host: str) -> ssl.SSLContext:
        """A server's context with a certificate for ``host``."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(host, key.public_key(), host)
        path = self.folder / f"{host}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self, name: str, key: ec.EllipticCurvePublicKey, host: str | None
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        ours = self.key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ours), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
        if host is not None:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
            )
        else:
            usage = dict.fromkeys(
                (
                    "digital_signature", "content_commitment", "key_encipherment",
                    "data_encipherment", "key_agreement", "encipher_only", "decipher_only",
                ),
                False,
            )  # fmt: skip
            builder = builder.add_extension(
                x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True
            )
        return builder.sign(self.key, hashes.SHA256())


@dataclass
class Served:
    """A running server: its port, and the heads of the requests it got."""

    port: int
    heads: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None, handler: Handler) -> Iterator[Served]:
    """Serve on a loopback port until the block ends; without a context, plain TCP."""
    listener = socket.create_server(("127.0.0.1", 0))
    served = Served(listener.getsockname()[1])
    stop = threading.Event()

    def one(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            stream = context.wrap_socket(plain, server_side=True) if context else plain
            with stream:
                head = b""
                while b"\r\n\r\n" not in head:
                    more = stream.recv(4096)
                    if not more:
                        return
                    head += more
                served.heads.append(head)
                handler(stream, head)

    def run() -> None:
        while not stop.is_set():
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(plain,), daemon=True).start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        stop.set()
        with contextlib.suppress(OSError):  # wakes accept
            socket.create_connection(("127.0.0.1", served.port), 1).close()
        listener.close()
        thread.join(5)


def answer(
    body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = ""
) -> Handler:
    """Return a handler that always gives this answer."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    ).encode()
    return lambda stream, _head: stream.sendall(head + body)
