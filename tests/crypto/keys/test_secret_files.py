"""Private keys and files of credentials are seen in whatever holds them; public ones are not."""

import base64
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys import key_file
from lyrikstore.crypto.keys.secret_files import MAX_BYTES, SecretScan, secret_in, secret_name

OPEN, CLOSED = NoEncryption(), BestAvailableEncryption(b"secret")
KEYS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "x25519": x25519.X25519PrivateKey.generate(),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
    "dsa": dsa.generate_private_key(1024),
}
SSH = {name: key for name, key in KEYS.items() if name not in ("x25519", "dsa")}


def _b64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(*, private: bool = True) -> dict[str, object]:
    numbers = KEYS["rsa"].private_numbers()
    public = numbers.public_numbers
    found = {"kty": "RSA", "alg": "RS256", "n": _b64url(public.n), "e": _b64url(public.e)}
    return found | ({"d": _b64url(numbers.d), "p": _b64url(numbers.p)} if private else {})


def small_jwk() -> dict[str, str]:
    raw = [base64.urlsafe_b64encode(bytes(range(n, n + 32))).rstrip(b"=").decode() for n in (1, 2)]
    return {"d": raw[0], "crv": "Ed25519", "x": raw[1], "kty": "OKP"}


def pem(name: str = "ed25519", form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return KEYS[name].private_bytes(Encoding.PEM, form, OPEN)


def putty() -> bytes:
    lines = base64.encodebytes(bytes(range(60)))
    return (
        b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\nComment: me\r\n"
        b"Public-Lines: 2\r\n" + lines + b"Private-Lines: 1\r\n" + lines
    )


def age() -> bytes:
    return (
        b"# created: now\n# public key: age1x\nAGE-SECRET-KEY-1" + b"QPZRY9X8GF" * 5 + b"2TVDW0S3\n"
    )


PRIVATE: dict[str, Callable[[], bytes]] = {
    **{f"pkcs8-{name}": lambda name=name: pem(name) for name in KEYS},
    **{
        f"pkcs8-{name}-encrypted": lambda key=key: key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, CLOSED
        )
        for name, key in KEYS.items()
    },
    **{
        f"traditional-{name}": lambda name=name: pem(name, PrivateFormat.TraditionalOpenSSL)
        for name in ("p256", "rsa", "dsa")
    },
    "traditional-encrypted": lambda: KEYS["rsa"].private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, CLOSED
    ),
    **{
        f"der-{name}": lambda key=key: key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, OPEN)
        for name, key in KEYS.items()
    },
    **{
        f"der-{name}-traditional": lambda name=name: KEYS[name].private_bytes(
            Encoding.DER, PrivateFormat.TraditionalOpenSSL, OPEN
        )
        for name in ("p256", "rsa", "dsa")
    },
    "der-encrypted": lambda: KEYS["p256"].private_bytes(Encoding.DER, PrivateFormat.PKCS8, CLOSED),
    "pkcs12": lambda: pkcs12.serialize_key_and_certificates(b"me", KEYS["rsa"], None, None, CLOSED),
    **{
        f"openssh-{name}": lambda key=key: key.private_bytes(
            Encoding.PEM, PrivateFormat.OpenSSH, OPEN
        )
        for name, key in SSH.items()
    },
    "ours": lambda: key_file._encode(PrivateKey.generate(), b"secret"),
    "our-backup": lambda: key_file.backup([("default", PrivateKey.generate())], b"secret"),
    "putty": putty,
    "age": age,
    "jwk-rsa": lambda: json.dumps(jwk()).encode(),
    "jwk-okp": lambda: json.dumps(small_jwk(), indent=2).encode(),
    "jwk-oct": lambda: json.dumps({"kty": "oct", "k": "a" * 43}).encode(),
    "java": lambda: b"\xfe\xed\xfe\xed" + bytes(20),
    "keepass": lambda: b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5" + bytes(20),
    "gnupg": lambda: b"(21:protected-private-key(3:rsa",
}


@pytest.mark.parametrize("kind", PRIVATE)
def test_a_private_key_is_seen(kind: str) -> None:
    data = PRIVATE[kind]()
    found = secret_in("notes.txt", data)
    assert found
    # Whatever is said of it has nothing of the key in it.
    assert len(found) < 40


def in_log(key: bytes) -> bytes:
    lines = [b"2026-12-01T08:00:00Z INFO worker-3 " + line for line in key.splitlines()]
    return b"step 1 loss 0.5\n" * 1000 + b"\n".join(lines) + b"\nstep 2 loss 0.4\n"


def in_notebook(key: bytes) -> bytes:
    output = {"output_type": "stream", "text": key.decode().splitlines(keepends=True)}
    return json.dumps(
        {"cells": [{"source": ["open(key)"], "outputs": [output]}]}, indent=1
    ).encode()


def in_value(key: bytes) -> bytes:
    return json.dumps({"a": {"b": [1, {"key": key.decode()}]}}).encode()


def in_line(key: bytes) -> bytes:
    return b'{"text":"x"}\n' * 100 + json.dumps({"text": in_value(key).decode()}).encode()


def behind_a_mention(key: bytes) -> bytes:
    return b'if line == "-----BEGIN PRIVATE KEY-----":\n    pass\n' + key


def in_utf16(key: bytes) -> bytes:
    return key.decode().encode("utf-16")


@pytest.mark.parametrize("key", ["pkcs8-ed25519", "pkcs8-rsa", "openssh-p256", "ours", "age"])
@pytest.mark.parametrize(
    "around",
    [in_log, in_notebook, in_value, in_line, behind_a_mention, in_utf16],
)
def test_a_key_inside_something_else_is_seen(key: str, around: Callable[[bytes], bytes]) -> None:
    assert secret_in("train.log", around(PRIVATE[key]()))


@pytest.mark.parametrize(
    "document",
    [
        {"keys": [jwk(private=False), jwk()]},
        {"did": {"method": [{"publicKeyJwk": {}, "privateKeyJwk": small_jwk()}]}},
        {"text": json.dumps({"text": json.dumps(small_jwk(), indent=1)})},
        {"kty": "OKP", "more": {"a": {"b": 1}}, "d": "a" * 43},
    ],
)
def test_a_jwk_inside_a_document_is_seen(document: dict[str, object]) -> None:
    for text in (json.dumps(document), json.dumps(document, indent=2)):
        assert secret_in("keys.json", b"} }\n" + text.encode()) == "private key (JWK)"


def test_a_key_without_its_armour_is_seen() -> None:
    for key in (pem(), PRIVATE["ours"]()):  # as a Kubernetes configuration has it
        assert secret_in("a.yaml", b"key: " + base64.b64encode(key)) == (
            "private key (PEM in base64)"
        )
    for name in ("ed25519", "p256", "rsa"):
        body = b"".join(pem(name).splitlines()[1:-1])
        assert secret_in("settings.yaml", b"key: " + body) == "private key (PKCS#8)"
    body = b"".join(PRIVATE["openssh-ed25519"]().splitlines()[1:-1])
    assert secret_in("settings.yaml", b"key: " + body) == "private key (OpenSSH)"


def public(name: str) -> bytes:
    key = KEYS[name].public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        *(("key.pem", public(name)) for name in KEYS),
        (
            "id_ed25519.pub",
            KEYS["ed25519"].public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        ),
        ("keys.json", json.dumps({"keys": [jwk(private=False)]}).encode()),
        ("keys.json", json.dumps({"a": {"kty": "OKP"}, "b": {"d": "a" * 43}}).encode()),
        ("README.md", b"It begins with -----BEGIN PRIVATE KEY----- and ends with an END line.\n"),
        ("README.md", b"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n" * 3),
        (
            "keys.py",
            b'BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"\n_MAGIC = b"openssh-key-v1"\n',
        ),
        ("a.md", b"age1qpzry9x8gf is a recipient; AGE-SECRET-KEY-1... is an identity"),
        ("a.csv", b"0\x02,1,2\n"),
        ("aws.md", b"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("seed.bin", bytes(range(32))),  # nobody can see it
        ("seed.hex", bytes(range(32)).hex().encode()),
        (".npmrc", b"//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"),
        (".env.example", b"TOKEN=\n"),
        ("environment.yml", b"name: x\n"),
        (".ssh/known_hosts", b"host ssh-ed25519 AAAA"),
        ("model/config.json", b'{"model_type":"bert"}'),
        ("empty", b""),
    ],
    ids=lambda one: one if isinstance(one, str) else "",  # each process makes keys of its own
)
def test_what_is_public_is_none(path: str, data: bytes) -> None:
    assert secret_in(path, data) == ""


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".netrc",
            "home/_netrc",
            ".pypirc",
            ".git-credentials",
            ".pgpass",
            ".env",
            "a/.env.local",
        ),
        *(".aws/credentials", "home/.docker/config.json", ".kube/config", "a/id_rsa", "id_ed25519"),
        *("my.p12", "my.PFX", "my.kdbx", "terraform.tfstate", "a/b/prod.tfstate", "my.ppk"),
        *(".config/gcloud/credentials.db", "application_default_credentials.json", "kaggle.json"),
        *(".cache/huggingface/token", ".huggingface/token", ".ssh/work", "seed.key", "ID_RSA"),
        ".gnupg/private-keys-v1.d/0123.key",
    ],
)
def test_names_that_are_known(path: str) -> None:
    assert secret_name(path)
    assert secret_in(path, b"") == secret_name(path)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("wandb.txt", b"machine api.wandb.ai\n  login user\n  password 0123456789abcdef\n"),
        ("my.ini", b"[default]\naws_secret_access_key = " + b"aB3/" * 10 + b"\n"),
        ("config.json", b'{"auths": {"https://index.docker.io/v1/": {"auth": "dXNlcjpwYXNz"}}}'),
        ("gcp.json", b'{"type": "service_account", "private_key_id": "1", "private_key": "x"}'),
        ("adc.json", b'{"refresh_token": "1//x", "type": "authorized_user"}'),
        ("cluster.yaml", b"apiVersion: v1\nkind: Config\nusers:\n- user:\n    token: abc\n"),
        ("state.json", b'{"version": 4, "terraform_version": "1.9", "lineage": "a-b"}'),
        (".npmrc", b"//registry.npmjs.org/:_authToken=npm_0123456789\n"),
        ("hub", b"hf_" + b"a" * 34 + b"\n"),
    ],
)
def test_credentials_under_another_name(path: str, data: bytes) -> None:
    assert secret_in(path, data).startswith("credentials (")


def test_a_key_across_parts_is_seen_and_what_is_beyond_the_bound_is_not() -> None:
    key = PRIVATE["openssh-rsa"]()
    for place in (0, (1 << 20) - 1000, (3 << 20) - 200, 5 << 20):
        data = b"x" * place + key + b"y" * (1 << 20)
        for size in (65_537, 1 << 20):
            scan = SecretScan("a.bin")
            for at in range(0, len(data), size):
                scan.feed(data[at : at + size])
            assert scan.finish() == "private key (OpenSSH)", (place, size)
    scan = SecretScan("a.bin")
    part = bytes(1 << 20)
    for _ in range(MAX_BYTES // len(part)):
        scan.feed(part)
    scan.feed(key)
    assert scan.finish() == ""
