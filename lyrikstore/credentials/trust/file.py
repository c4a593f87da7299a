"""Trust files as TOML: strict parsing, and writing that can be read back.

Unknown members are refused: a misspelt ``untill`` must not extend the trust.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    KeyMaterialError,
    LyrikstoreError,
)
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.limits import MAX_DID_DOCUMENT_BYTES, MAX_TRUST_FILE_BYTES
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.canon.toml import check_user_file, parse_toml
from lyrikstore.credentials.did import parse_did, parse_document
from lyrikstore.credentials.trust.model import (
    DEFAULT_STATUS_AGE,
    AllowedKeys,
    PinnedDocument,
    Trust,
    TrustedAuthority,
    TrustedIssuer,
    TrustedLog,
    TrustedWitness,
)
from lyrikstore.crypto.multikey import parse_did_key
from lyrikstore.history.log.note import VerifierKey

ReadFile = Callable[[str], bytes]
"""Path in a ``[[document]]`` → bytes of the file."""


_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,76}\n){1,200}-----END CERTIFICATE-----\n"
)
_HINT = "correct the file; docs/trust.md describes its members"


def parse_trust(data: bytes, read: ReadFile | None = None, name: str = "the trust file") -> Trust:
    """Parse a trust file.

    Args:
        data: The TOML file.
        read: Function that reads a DID document that is pinned by path; None: there are no files.
        name: The name of the file in error messages.

    Raises:
        FormatError: (``bad-trust``) not TOML, no version, an unknown member, a bad key, name or
            date, one nickname for two DIDs; a pinned document that is missing, or has another
            digest.
        InvalidInputError: As ``read``.
    """
    try:
        document = parse_toml(data, max_bytes=MAX_TRUST_FILE_BYTES)
        if not document:  # it states nothing, as one that is not there
            return Trust()
        check_user_file(document, "trust")
        return _trust(document, read)
    except FormatError as error:
        hint = f"{error.hint} {_HINT}" if error.hint.endswith("?") else error.hint or _HINT
        raise FormatError("bad-trust", f"{name}: {error.message}", hint=hint) from None


def load_trust(path: Path) -> Trust:
    """Return the trust file at ``path``; an absent file means trust in nobody.

    Raises:
        LyrikstoreError: As :func:`parse_trust` and :func:`read_file`.
    """
    return parse_trust(read_file(path), sibling_reader(path), the_file(path))


def the_file(path: Path) -> str:
    """Return the name in error messages of the trust file at ``path``."""
    return f"the trust file {path}"


def sibling_reader(path: Path) -> ReadFile:
    """Return a function that reads files with paths relative to the trust file at ``path``."""

    def read(name: str) -> bytes:
        return read_file(path.parent / name, MAX_DID_DOCUMENT_BYTES + 1)

    return read


def read_file(path: Path, limit: int = MAX_TRUST_FILE_BYTES + 1) -> bytes:
    """Return at most ``limit`` bytes of a file; empty if the file does not exist.

    Raises:
        LyrikstoreError: As :func:`read_at_most`.
    """
    return read_at_most(path, limit, absent=b"")


def encode_trust(trust: Trust) -> bytes:
    """Return ``trust`` as a TOML file. ``parse_trust(encode_trust(t), read) == t``."""
    return "\n".join(_blocks(trust)).encode()


def encode_issuer(issuer: TrustedIssuer) -> str:
    """Return one ``[[issuer]]`` block."""
    lines = [
        "[[issuer]]",
        f"did = {_string(issuer.did)}",
        f"nickname = {_string(issuer.nickname)}",
        f"roles = {toml_list(issuer.roles)}",
        *([] if issuer.claims is None else [f"claims = {toml_list(issuer.claims)}"]),
        f"names = {toml_list(issuer.names)}",
    ]
    if issuer.stores:
        lines.append(f"stores = {toml_list(map(str, issuer.stores))}")
    if issuer.since is not None:
        lines.append(f"since = {_string(format_timestamp(issuer.since))}")
    if issuer.until is not None:
        lines.append(f"until = {_string(format_timestamp(issuer.until))}")
    return "\n".join(lines) + "\n"


def encode_log(log: TrustedLog) -> str:
    """Return one ``[[log]]`` block."""
    return f"[[log]]\norigin = {_string(log.origin)}\nkey = {_string(str(log.key))}\n"


def encode_witness(witness: TrustedWitness) -> str:
    """Return one ``[[witness]]`` block."""
    return f"[[witness]]\nname = {_string(witness.name)}\nkey = {_string(witness.key)}\n"


def encode_authority(authority: TrustedAuthority) -> str:
    """Return one ``[[authority]]`` block."""
    lines = authority.certificate.strip().splitlines()
    text = "".join(f"{line}\n" for line in lines)
    return f'[[authority]]\nname = {_string(authority.name)}\ncertificate = """\n{text}"""\n'


def encode_document(pinned: PinnedDocument) -> str:
    """Return one ``[[document]]`` block."""
    head = f"[[document]]\ndid = {_string(pinned.did)}\n"
    if pinned.path:
        return f"{head}path = {_string(pinned.path)}\ndigest = {_string(str(pinned.digest))}\n"
    return f"{head}inline = {_string(pinned.data.decode('utf-8'))}\n"


def toml_list(items: Iterable[str]) -> str:
    """Return a TOML array of strings."""
    return "[" + ", ".join(_string(item) for item in items) + "]"


def _blocks(trust: Trust) -> Iterator[str]:
    head = "version = 1\n"
    if trust.max_status_age != DEFAULT_STATUS_AGE:
        head += f"maxStatusDays = {trust.max_status_age.days}\n"
    if trust.max_log_age is not None:
        head += f"maxLogDays = {trust.max_log_age.days}\n"
    if trust.witnesses_required:
        head += f"witnessesRequired = {trust.witnesses_required}\n"
    yield head
    lists = [
        f"{name} = {toml_list(sorted(items))}\n"
        for name in ("keys", "hashes", "cryptosuites")
        if (items := getattr(trust.allowed, name)) is not None
    ]
    if lists:
        yield "[allow]\n" + "".join(lists)
    yield from map(encode_issuer, trust.issuers)
    yield from map(encode_document, trust.documents)
    yield from map(encode_log, trust.logs)
    yield from map(encode_witness, trust.witnesses)
    yield from map(encode_authority, trust.authorities)


def _trust(document: dict[str, Any], read: ReadFile | None) -> Trust:
    witnesses = tuple(_witness(item) for item in document.get("witness", []))
    # JSON Schema takes 30.0 for an integer, which TOML reads as a decimal.
    required = int(document.get("witnessesRequired", 0))
    if required > len({witness.public for witness in witnesses}):
        raise FormatError(
            "bad-trust",
            f"it requires {pluralize(required, 'witness', 'witnesses')} and names fewer keys",
        )
    issuers = tuple(_issuer(item) for item in document.get("issuer", []))
    _check_nicknames(issuers)
    status_days = document.get("maxStatusDays", DEFAULT_STATUS_AGE.days)
    log_days = document.get("maxLogDays")
    return Trust(
        issuers=issuers,
        logs=tuple(_log(item) for item in document.get("log", [])),
        max_status_age=timedelta(days=int(status_days)),
        max_log_age=None if log_days is None else timedelta(days=int(log_days)),
        witnesses=witnesses,
        witnesses_required=required,
        authorities=tuple(_authority(item) for item in document.get("authority", [])),
        documents=tuple(_document(item, read) for item in document.get("document", [])),
        allowed=_allowed(document.get("allow", {})),
    )


def _issuer(item: dict[str, Any]) -> TrustedIssuer:
    _check_did(item["did"])
    claims = item.get("claims")
    issuer = TrustedIssuer(
        did=item["did"],
        nickname=item["nickname"],
        roles=tuple(item.get("roles", ("publisher",))),
        names=tuple(item.get("names", ("*",))),
        stores=tuple(Digest.parse(store) for store in item.get("stores", ())),
        since=parse_timestamp(item["since"]) if "since" in item else None,
        until=parse_timestamp(item["until"]) if "until" in item else None,
        claims=None if claims is None else tuple(claims),
    )
    if issuer.since is not None and issuer.until is not None and issuer.until < issuer.since:
        raise FormatError("bad-trust", f"{issuer.nickname!r} is believed until before since")
    return issuer


def _check_nicknames(issuers: Iterable[TrustedIssuer]) -> None:
    # ATTACK: whoever gets an entry in under the name of another is shown as that one.
    named: dict[str, str] = {}
    for issuer in issuers:
        other = named.setdefault(issuer.nickname, issuer.did)
        if other != issuer.did:
            raise FormatError(
                "bad-trust", f"{issuer.nickname!r} names both {other[:80]} and {issuer.did[:80]}"
            )


def _log(item: dict[str, Any]) -> TrustedLog:
    try:
        log = TrustedLog(item["origin"], VerifierKey.parse(item["key"]))
    except KeyMaterialError as error:
        raise FormatError("bad-trust", f"log {item['origin'][:80]!r}: {error.message}") from None
    if log.key.name != log.origin:
        raise FormatError("bad-trust", f"that is not a key of the log {item['origin'][:80]!r}")
    return log


def _witness(item: dict[str, Any]) -> TrustedWitness:
    try:
        return TrustedWitness.parse(item["name"], item["key"])
    except KeyMaterialError as error:
        raise FormatError("bad-trust", f"witness {item['name'][:80]!r}: {error.message}") from None


def _authority(item: dict[str, Any]) -> TrustedAuthority:
    # ATTACK: anything but one certificate, which a reader of PEM would skip.
    if _CERTIFICATE.fullmatch(item["certificate"]) is None:
        raise FormatError("bad-trust", f"authority {item['name'][:80]!r}: not one certificate")
    return TrustedAuthority(item["name"], item["certificate"])


def _document(item: dict[str, Any], read: ReadFile | None) -> PinnedDocument:
    did, path = item["did"], item.get("path", "")
    if path and read is None:
        raise FormatError("bad-trust", f"the DID document {quote(path, 200)} is not at hand")
    data = read(path) if path and read is not None else item.get("inline", "").encode()
    if path and str(Digest.of(data)) != item["digest"]:
        raise FormatError("bad-trust", f"{quote(path, 200)} is not there, or not the one pinned")
    found = parse_document(data)
    if found.id != did:
        raise FormatError(
            "bad-trust", f"that is the document of {quote(found.id, 200)}, not of {did}"
        )
    return PinnedDocument(did, data, path)


def _allowed(table: dict[str, list[str]]) -> AllowedKeys:
    lists = {name: frozenset(items) for name, items in table.items()}
    for did in lists.get("keys", ()):
        _check_key(did)
    return AllowedKeys(**lists)


def _check_did(did: str) -> None:
    if did.startswith("did:key:"):
        _check_key(did)
        return
    method, _ = parse_did(did)
    if method != "web":
        raise FormatError("bad-trust", f"{did[:80]!r}: only did:key and did:web are believed")


def _check_key(did: str) -> None:
    try:
        parse_did_key(did)  # refuses weak keys (attack case A24)
    except LyrikstoreError as error:
        raise FormatError("bad-trust", f"{did[:80]!r}: {error.message}") from None


def _string(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(c):04x}"
        if ord(c) < 0x20 or ord(c) == 0x7F
        else {'"': '\\"', "\\": "\\\\"}.get(c, c)
        for c in text
    )
    return f'"{escaped}"'
