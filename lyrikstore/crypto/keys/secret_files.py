"""Detection of files with private keys or credentials, by name and content.

Keys are detected by their format anywhere in a file: PEM and OpenSSH, PKCS#8 in DER, PuTTY, age,
JWK, lyrikstore's own key files, key stores. A *raw* key is not detected: the 32 bytes of a seed
look like any other bytes, in hex and base64 too, so that at most the file name shows it. Tokens
and passwords in texts are not detected either: only files that are known to contain them.
"""

import base64
import re
from collections.abc import Callable

MAX_BYTES = 256 << 20
"""Maximum number of bytes of a file that are scanned; the rest of a longer file is not."""

_WINDOW = 1 << 20
_OVERLAP = 1 << 16
"""Bytes that are scanned twice, so that a key across the edge of a window is found."""

_DEEP = 1 << 10

_PRIVATE = re.compile(rb"-{4,5} ?BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_BELOW = 600
_RUN = re.compile(rb"[A-Za-z0-9+/]{32,}")
_IN_BASE64 = re.compile(rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]{42}")
_PKCS8_IN_BASE64 = re.compile(
    rb"MC4CAQAwBQYDK2VwBCIEI|MFECAQEwBQYDK2VwBCIEI|MII[A-Za-z0-9+/]{3}IBADANBgkqhkiG9w0BAQEFAASC"
    rb"|MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
)
_PUTTY = re.compile(rb"PuTTY-User-Key-File-[1-9]: [a-z]")
_AGE = re.compile(rb"AGE-SECRET-KEY-(?:[A-Z]{1,8}-)?1[02-9AC-HJ-NP-Z]{50}")
_JWK = re.compile(
    rb'[{}]|\\{0,7}"(?:(kty)\\{0,7}"\s{0,64}:\s{0,64}\\{0,7}"(?:OKP|EC|RSA|AKP|(oct))\\{0,7}"'
    rb'|(?:(d|priv)|(k))\\{0,7}"\s{0,64}:\s{0,64}\\{0,7}"[A-Za-z0-9_-]{16})'
)
_GNUPG = re.compile(rb"\((?:11:|21:protected-)?private-key")
_DER = re.compile(
    rb"0(?:[\x02-\x80]|\x81.|\x82..|\x83...)"
    rb"(?:(\x02\x01[\x00\x01]0(?:[\x02-\x7f]|\x81.|\x82..)\x06)"  # PKCS#8: version, algorithm
    rb"|(0.\x06[\x09\x0a]\x2a\x86\x48\x86\xf7\x0d\x01(?:\x05|\x0c\x01))"  # the same, encrypted
    rb"|(\x02\x01\x00\x02|\x02\x01\x01\x04)"  # PKCS#1 or SEC 1
    rb"|(\x02\x01\x030.{1,4}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07))",  # PKCS#12
    re.DOTALL,
)
_DER_KINDS = ("private key (PKCS#8)",) * 2 + ("private key (DER)", "key store (PKCS#12)")
_STORES = {
    b"\x03\xd9\xa2\x9a": "password store (KeePass)",
    b"\xfe\xed\xfe\xed": "key store (Java)",
    b"\xce\xce\xce\xce": "key store (Java)",
    b"openssh-key-v1\0": "private key (OpenSSH)",
}

_AWS = re.compile(
    rb"aws_secret_access_key[\"']?\s{0,8}[=:]\s{0,8}[\"']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
    re.IGNORECASE,
)
_NETRC = re.compile(rb"^\s{0,16}machine\s{1,64}\S{1,255}\s{1,64}login\s{1,64}\S{1,255}"
                    rb"\s{1,64}password\s{1,64}\S", re.MULTILINE)  # fmt: skip
_NPM = re.compile(rb"_(?:authToken|auth|password)\s{0,8}=\s{0,8}(?!\$)\S{8}")
_HUGGING_FACE = re.compile(rb"\s*hf_[A-Za-z0-9]{30,64}\s*")
_JSON_PAIRS = (
    (rb'"auths"\s{0,64}:\s{0,64}\{', rb'"auth"\s{0,64}:\s{0,64}"[A-Za-z0-9+/=]{8}', "Docker"),
    (rb'"type"\s{0,64}:\s{0,64}"service_account"', rb'"private_key"', "Google Cloud"),
    (rb'"type"\s{0,64}:\s{0,64}"authorized_user"', rb'"refresh_token"', "Google Cloud"),
    (rb'"terraform_version"', rb'"lineage"', "Terraform state"),
    (rb"^kind:\s{0,8}Config\b", rb"^\s{0,32}(?:token|client-key-data|password):\s", "Kubernetes"),
    (rb"^apiVersion:", rb"^\s{0,32}client-key-data:\s", "Kubernetes"),
)
_PAIRS = [
    (re.compile(one, re.MULTILINE), re.compile(other, re.MULTILINE), kind)
    for one, other, kind in _JSON_PAIRS
]

_NAMES = {
    **dict.fromkeys(("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"), "private key (OpenSSH)"),
    **dict.fromkeys(("id_ecdsa_sk", "id_ed25519_sk"), "private key (OpenSSH)"),
    **dict.fromkeys((".netrc", "_netrc"), "credentials (netrc)"),
    ".pypirc": "credentials (PyPI)",
    ".git-credentials": "credentials (Git)",
    ".pgpass": "credentials (PostgreSQL)",
    ".htpasswd": "credentials (HTTP)",
    ".s3cfg": "credentials (S3)",
    ".boto": "credentials (boto)",
    ".vault-token": "credentials (Vault)",
    ".env": "credentials (.env)",
    ".dockercfg": "credentials (Docker)",
    "kaggle.json": "credentials (Kaggle)",
    "rclone.conf": "credentials (rclone)",
    "application_default_credentials.json": "credentials (Google Cloud)",
    "credentials.tfrc.json": "credentials (Terraform)",
    ".terraformrc": "credentials (Terraform)",
    "terraform.tfstate.backup": "credentials (Terraform state)",
    "secring.gpg": "private key (OpenPGP)",
}
_SUFFIXES = {
    ".key": "private key (by its name)",
    ".ppk": "private key (PuTTY)",
    ".p12": "key store (PKCS#12)",
    ".pfx": "key store (PKCS#12)",
    ".jks": "key store (Java)",
    ".keystore": "key store (Java)",
    ".kdbx": "password store (KeePass)",
    ".kdb": "password store (KeePass)",
    ".tfstate": "credentials (Terraform state)",
}
_IN_FOLDERS = {
    (".aws", "credentials"): "credentials (AWS)",
    (".docker", "config.json"): "credentials (Docker)",
    (".kube", "config"): "credentials (Kubernetes)",
    ("gcloud", "credentials.db"): "credentials (Google Cloud)",
    ("gcloud", "access_tokens.db"): "credentials (Google Cloud)",
    ("huggingface", "token"): "credentials (Hugging Face)",
    ("huggingface", "stored_tokens"): "credentials (Hugging Face)",
    (".huggingface", "token"): "credentials (Hugging Face)",
    ("gh", "hosts.yml"): "credentials (GitHub)",
    (".azure", "accesstokens.json"): "credentials (Azure)",
    (".azure", "msal_token_cache.json"): "credentials (Azure)",
    (".cargo", "credentials.toml"): "credentials (Cargo)",
}
_PUBLIC_IN_SSH = frozenset({"authorized_keys", "config", "known_hosts", "known_hosts.old"})
_EXAMPLES = frozenset({"default", "defaults", "dist", "example", "sample", "template"})


class SecretScan:
    """A scan of one file for secrets, a part at a time.

    Args:
        path: Path of the file, with the known folders.

    Attributes:
        found: The secret found, such as ``private key (PEM)``; empty if none was detected.

    Cost: linear; memory for a part and 1 MiB.
    """

    def __init__(self, path: str) -> None:
        self._name = path.rpartition("/")[2].lower()
        self._seen, self._tail, self._head = 0, b"", b""
        self._waiting: list[bytes] = []
        self._size = 0
        self.found = secret_name(path)

    def feed(self, data: bytes) -> None:
        """Scan the next bytes of the file."""
        data = data[: max(MAX_BYTES - self._seen, 0)]
        if self.found or not data:
            return
        self._seen += len(data)
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= _WINDOW:
            self._look()

    def finish(self) -> str:
        """Return :attr:`found`, after the whole file was passed to :meth:`feed`."""
        if not self.found and self._waiting:
            self._look()
        if not self.found and self._seen == len(self._head):
            self.found = _whole(self._head)
        return self.found

    def _look(self) -> None:
        window = self._tail + b"".join(self._waiting)
        self._waiting, self._size, self._tail = [], 0, window[-_OVERLAP:]
        if not self._head:
            self._head = window[:_WINDOW]
            self.found = _begins(window) or _credentials(self._name, self._head)
        # Text in UTF-16, as PowerShell writes it, is ASCII with zeros between.
        plain = (
            window.replace(b"\0", b"") if self._head[:2] in (b"\xff\xfe", b"\xfe\xff") else window
        )
        self.found = self.found or _key_in(plain)


def secret_in(path: str, data: bytes) -> str:
    """Return the secret in a file, as :attr:`SecretScan.found`; empty if none is detected.

    Args:
        path: Its path.
        data: Its content.
    """
    scan = SecretScan(path)
    scan.feed(data)
    return scan.finish()


def secret_name(path: str) -> str:
    """Return the secret that a file of this name is known to contain; empty if none is known."""
    folders, _, name = path.lower().rpartition("/")
    inside = folders.rpartition("/")[2]
    if found := _NAMES.get(name) or _IN_FOLDERS.get((inside, name)):
        return found
    if inside == ".ssh" and name not in _PUBLIC_IN_SSH and not name.endswith(".pub"):
        return "private key (OpenSSH)"
    if "private-keys-v1.d" in folders.split("/"):
        return "private key (OpenPGP)"
    if name.startswith(".env.") and name.rpartition(".")[2] not in _EXAMPLES:
        return "credentials (.env)"
    return next((kind for end, kind in _SUFFIXES.items() if name.endswith(end)), "")


def _begins(data: bytes) -> str:
    """Return the kind of secret file that these first bytes identify, or an empty string."""
    for magic, kind in _STORES.items():
        if data.startswith(magic):
            return kind
    found = _DER.match(data)
    return _DER_KINDS[found.lastindex - 1] if found and found.lastindex else ""


def _credentials(name: str, head: bytes) -> str:
    """Return the kind of a credentials file with an unusual name, or an empty string."""
    if b"password" in head and _NETRC.search(head):
        return "credentials (netrc)"
    for found in _AWS.finditer(head):
        if b"EXAMPLE" not in found[1]:
            return "credentials (AWS)"
    if name.endswith("npmrc") and _NPM.search(head):
        return "credentials (npm)"
    for one, other, kind in _PAIRS:
        if one.search(head) and other.search(head):
            return f"credentials ({kind})"
    return ""


def _whole(data: bytes) -> str:
    return "credentials (Hugging Face)" if _HUGGING_FACE.fullmatch(data) else ""


def _key_in(data: bytes) -> str:
    """Return the kind of a private key anywhere in a text, or an empty string."""
    for marker, look in _LOOKS:
        if marker in data and (found := look(data)):
            return found
    return ""


def _pem(data: bytes) -> str:
    for found in _PRIVATE.finditer(data):
        # A header that documents or programs only name has no key below it.
        below = data[found.end() : found.end() + _BELOW].partition(b"-END ")[0]
        if any(_is_base64(run[0]) for run in _RUN.finditer(below)):
            return "private key (OpenSSH)" if b"OPENSSH" in found[0] else "private key (PEM)"
    return ""


def _is_base64(run: bytes) -> bool:
    return all(re.search(pattern, run) for pattern in (rb"[A-Z]", rb"[a-z]", rb"[0-9]"))


def _pem_in_base64(data: bytes) -> str:
    for found in _IN_BASE64.finditer(data):
        if b"PRIVATE KEY" in base64.b64decode(found[0]):
            return "private key (PEM in base64)"
    return ""


def _jwk(data: bytes) -> str:
    objects = [0]
    for token in _JWK.finditer(data):
        if token[0] == b"{":
            objects.append(0)
            del objects[:-_DEEP]
        elif token[0] == b"}":
            objects.pop()
            objects = objects or [0]
        else:
            kty, octets, private, secret = (bool(one) for one in token.groups())
            objects[-1] |= kty | octets << 1 | private << 2 | secret << 3
            if objects[-1] & 5 == 5 or objects[-1] & 10 == 10:
                return "private key (JWK)"
    return ""


def _matching(pattern: re.Pattern[bytes], kind: str) -> Callable[[bytes], str]:
    return lambda data: kind if pattern.search(data) else ""


_LOOKS: tuple[tuple[bytes, Callable[[bytes], str]], ...] = (
    (b"PRIVATE KEY", _pem),
    (b"b3BlbnNzaC1rZXktdjE", lambda _: "private key (OpenSSH)"),
    (b"LS0tLS1CRUdJTi", _pem_in_base64),
    (b"wBQYDK2VwBCIEI", _matching(_PKCS8_IN_BASE64, "private key (PKCS#8)")),
    (b"ADANBgkqhkiG9w0BAQEFAASC", _matching(_PKCS8_IN_BASE64, "private key (PKCS#8)")),
    (b"BG0wawIBAQQg", _matching(_PKCS8_IN_BASE64, "private key (PKCS#8)")),
    (b"PuTTY-User-Key-File-", _matching(_PUTTY, "private key (PuTTY)")),
    (b"AGE-SECRET-KEY-", _matching(_AGE, "private key (age)")),
    (b'"kty', _jwk),
    (b"private-key", _matching(_GNUPG, "private key (OpenPGP)")),
)
"""Bytes → the scan that runs only if a file contains these bytes."""
