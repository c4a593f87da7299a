"""The verifier's own file: whom it believes, for what (spec/11-verification.md §3).

Everybody can make a key and sign anything with it. Only this file, written by the person who
verifies, turns "sound" into "trusted". It is TOML, made to be read and edited by hand::

    version = 1
    maxStatusDays = 30

    [[issuer]]
    did = "did:key:z6Mk..."
    nickname = "Acme Data"
    roles = ["publisher"]
    names = ["datasets/acme/*"]
    since = "2026-01-01T00:00:00Z"

Members it does not know are refused: a misspelt ``untill`` must not widen what is believed.
"""

import os
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    KeyMaterialError,
    NotFoundError,
    StorageError,
)
from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.crypto.multikey import parse_did_key
from lyrikstore.history.note import VerifierKey
from lyrikstore.history.policy import matches

ROLES = ("publisher", "trainer", "reviewer", "auditor")
"""What an issuer can be believed as. ``publisher``: dataset credentials and stores."""

DEFAULT_STATUS_AGE = timedelta(days=30)

MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One issuer the verifier believes.

    Attributes:
        did: Its ``did:key``.
        nickname: The verifier's own name for it; what reports print, never what a credential
            says of itself.
        roles: A subset of :data:`ROLES`.
        names: Patterns over manifest names; ``*`` stands for any run of characters.
        stores: Store ids it is believed for; empty means every store.
        since: Believed from then on, inclusive.
        until: Believed up to then, inclusive.
    """

    did: str
    nickname: str
    roles: tuple[str, ...] = ("publisher",)
    names: tuple[str, ...] = ("*",)
    stores: tuple[Digest, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def covers(self, *, role: str, name: str, store: Digest | None, at: datetime) -> bool:
        """Return whether this entry speaks for that role, name, store and moment."""
        return (
            role in self.roles
            and any(matches(pattern, name) for pattern in self.names)
            and (not self.stores or store in self.stores)
            and (self.since is None or self.since <= at)
            and (self.until is None or at <= self.until)
        )


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """One log the verifier believes, whoever opened it.

    Attributes:
        origin: The log's origin line.
        key: The verifier key (``vkey``) that signs its log checkpoints.
    """

    origin: str
    key: VerifierKey


@dataclass(frozen=True, slots=True)
class Trust:
    """A parsed trust file.

    Attributes:
        issuers: In file order.
        logs: In file order.
        max_status_age: How old a status list may be that says "not revoked".
    """

    issuers: tuple[TrustedIssuer, ...] = ()
    logs: tuple[TrustedLog, ...] = ()
    max_status_age: timedelta = DEFAULT_STATUS_AGE

    def matches(
        self, did: str, *, role: str, name: str, store: Digest | None, at: datetime
    ) -> TrustedIssuer | None:
        """Return the first entry that believes ``did`` for this, or None.

        Args:
            did: Compared exactly.
            role: One of :data:`ROLES`.
            name: The manifest name in question, such as ``datasets/acme/contracts``.
            store: The id of the store it comes from, where known.
            at: The moment of verification, never a date from a document.
        """
        for issuer in self.issuers:
            if issuer.did == did and issuer.covers(role=role, name=name, store=store, at=at):
                return issuer
        return None

    def vouches_for(self, founder: str, *, store: Digest, at: datetime) -> TrustedIssuer | None:
        """Return the first publisher entry of ``founder`` that covers that store, or None.

        Names do not count here: a store may hold more than what its owner is believed for, and
        each credential from it is judged by its own name.
        """
        for issuer in self.issuers:
            if issuer.did == founder and any(
                issuer.covers(role="publisher", name=name, store=store, at=at)
                for name in issuer.names
            ):
                return issuer
        return None

    def knows(self, did: str) -> TrustedIssuer | None:
        """Return the first entry of ``did``, whatever it is believed for, or None."""
        return next((issuer for issuer in self.issuers if issuer.did == did), None)


def parse_trust(data: bytes) -> Trust:
    """Return the trust that ``data``, a TOML file, states.

    Raises:
        FormatError: (``bad-trust``) not TOML, an unknown member, a bad key, name or date.
    """
    if len(data) > MAX_BYTES:
        raise FormatError("bad-trust", f"the trust file is larger than {MAX_BYTES} bytes")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise FormatError("bad-trust", f"the trust file is not TOML: {error}") from None
    try:
        check_schema(document, "trust")
        return Trust(
            issuers=tuple(_parse_issuer(item) for item in document.get("issuer", [])),
            logs=tuple(_parse_log(item) for item in document.get("log", [])),
            max_status_age=timedelta(
                days=document.get("maxStatusDays", DEFAULT_STATUS_AGE.days),
            ),
        )
    except FormatError as error:
        raise FormatError("bad-trust", f"the trust file: {error.message}") from None


def encode_trust(trust: Trust) -> bytes:
    """Return ``trust`` as a TOML file. ``parse_trust(encode_trust(t)) == t``."""
    head = "version = 1\n"
    if trust.max_status_age != DEFAULT_STATUS_AGE:
        head += f"maxStatusDays = {trust.max_status_age.days}\n"
    blocks = [head]
    blocks += [_encode_issuer(issuer) for issuer in trust.issuers]
    blocks += [
        f"[[log]]\norigin = {_toml_string(log.origin)}\nkey = {_toml_string(str(log.key))}\n"
        for log in trust.logs
    ]
    return "\n".join(blocks).encode()


def load_trust(path: Path) -> Trust:
    """Return the trust file at ``path``; an absent file believes nobody.

    Raises:
        FormatError: (``bad-trust``) the file is not a trust file.
        StorageError: (``io``) it cannot be read.
    """
    return parse_trust(_read(path))


def add_issuer(path: Path, issuer: TrustedIssuer) -> bool:
    """Add one entry to the trust file, keeping the rest of it byte for byte.

    Args:
        path: The file; made, with its folder, where absent.
        issuer: The entry. Several entries may name one DID, each for something else.

    Returns:
        Whether the file changed: False where exactly this entry was there already.

    Raises:
        ConflictError: (``nickname-taken``) the nickname already means another key.
        FormatError: (``bad-trust``) the file is not a trust file.
        InvalidInputError: (``bad-issuer``) the entry itself cannot be trusted: not an Ed25519
            did:key, an unknown role, an empty nickname.
        StorageError: (``io``) it cannot be written.
    """
    text = _read(path)
    trust = parse_trust(text)
    try:
        wanted = parse_trust(encode_trust(Trust((issuer,))))
    except FormatError as error:
        raise InvalidInputError("bad-issuer", error.message) from None
    if wanted.issuers != (issuer,):
        raise InvalidInputError("bad-issuer", "the entry does not survive being written")
    if issuer in trust.issuers:
        return False
    for other in trust.issuers:
        if other.nickname == issuer.nickname and other.did != issuer.did:
            raise ConflictError(
                "nickname-taken",
                f"{issuer.nickname!r} already names {other.did}",
                hint="choose another nickname, or remove that entry first",
            )
    body = text if text.strip() else b"version = 1\n"
    separator = b"\n" if body.endswith(b"\n") else b"\n\n"
    _write(
        path,
        body + separator + _encode_issuer(issuer).encode(),
        replace(trust, issuers=(*trust.issuers, issuer)),
    )
    return True


def remove_issuer(path: Path, who: str) -> tuple[TrustedIssuer, ...]:
    """Remove every entry of ``who``, keeping the rest of the file byte for byte.

    Args:
        path: The trust file.
        who: A DID or a nickname.

    Returns:
        The entries removed.

    Raises:
        NotFoundError: (``no-issuer``) nobody of that name is there.
        FormatError: (``bad-trust``) the file is not a trust file.
        StorageError: (``io``) it cannot be written.
    """
    text = _read(path)
    trust = parse_trust(text)
    gone = [i for i, issuer in enumerate(trust.issuers) if who in (issuer.did, issuer.nickname)]
    if not gone:
        raise NotFoundError("no-issuer", f"the trust file names no {who}")
    kept_issuers = tuple(e for i, e in enumerate(trust.issuers) if i not in gone)
    rest = replace(trust, issuers=kept_issuers)
    kept = _without_blocks(text, set(gone))
    if not _states(kept, rest):  # inline tables and other unusual spellings
        kept = encode_trust(rest)
    _write(path, kept, rest)
    return tuple(trust.issuers[i] for i in gone)


def _parse_issuer(item: dict[str, Any]) -> TrustedIssuer:
    _check_did(item["did"])
    issuer = TrustedIssuer(
        did=item["did"],
        nickname=item["nickname"],
        roles=tuple(item.get("roles", ("publisher",))),
        names=tuple(item.get("names", ("*",))),
        stores=tuple(Digest.parse(store) for store in item.get("stores", ())),
        since=parse_timestamp(item["since"]) if "since" in item else None,
        until=parse_timestamp(item["until"]) if "until" in item else None,
    )
    if issuer.since is not None and issuer.until is not None and issuer.until < issuer.since:
        raise FormatError("bad-trust", f"{issuer.nickname!r} is believed until before since")
    return issuer


def _parse_log(item: dict[str, Any]) -> TrustedLog:
    try:
        log = TrustedLog(item["origin"], VerifierKey.parse(item["key"]))
    except KeyMaterialError as error:
        raise FormatError("bad-trust", f"log {item['origin'][:80]!r}: {error.message}") from None
    if log.key.name != log.origin:
        raise FormatError("bad-trust", f"that is not a key of the log {item['origin'][:80]!r}")
    return log


def _check_did(did: str) -> None:
    try:
        parse_did_key(did)  # refuses weak keys (attack case A24)
    except (FormatError, KeyMaterialError) as error:
        raise FormatError("bad-trust", f"{did[:80]!r}: {error.message}") from None


def _encode_issuer(issuer: TrustedIssuer) -> str:
    lines = [
        "[[issuer]]",
        f"did = {_toml_string(issuer.did)}",
        f"nickname = {_toml_string(issuer.nickname)}",
        f"roles = {_toml_list(issuer.roles)}",
        f"names = {_toml_list(issuer.names)}",
    ]
    if issuer.stores:
        lines.append(f"stores = {_toml_list(map(str, issuer.stores))}")
    if issuer.since is not None:
        lines.append(f"since = {_toml_string(format_timestamp(issuer.since))}")
    if issuer.until is not None:
        lines.append(f"until = {_toml_string(format_timestamp(issuer.until))}")
    return "\n".join(lines) + "\n"


def _toml_string(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(c):04x}"
        if ord(c) < 0x20 or ord(c) == 0x7F
        else {'"': '\\"', "\\": "\\\\"}.get(c, c)
        for c in text
    )
    return f'"{escaped}"'


def _toml_list(items: Iterable[str]) -> str:
    return "[" + ", ".join(_toml_string(item) for item in items) + "]"


def _without_blocks(text: bytes, gone: set[int]) -> bytes:
    kept: list[bytes] = []
    block = -1
    skipping = False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith(b"["):
            is_issuer = line.split(b"#")[0].strip() == b"[[issuer]]"
            block += is_issuer
            skipping = is_issuer and block in gone
        if not skipping:
            kept.append(line)
    return b"".join(kept)


def _states(text: bytes, wanted: Trust) -> bool:
    try:
        return parse_trust(text) == wanted
    except FormatError:
        return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StorageError("io", f"cannot read {path}: {error.strerror}") from None


def _write(path: Path, text: bytes, wanted: Trust) -> None:
    # Write, read back, compare before the old file goes: a trust file that says something else
    # than was asked for is worse than none.
    if not _states(text, wanted):
        raise FormatError("bad-trust", "the trust file cannot be changed safely: edit it by hand")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".trust-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError("io", f"cannot write {path}: {error.strerror}") from None
