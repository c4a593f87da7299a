"""Changes of a trust file, which keep the text that a person wrote in it byte for byte."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    KeyMaterialError,
    NotFoundError,
    storage_errors,
)
from lyrikstore.canon.files import read_at_most, replace_file
from lyrikstore.canon.limits import MAX_DID_DOCUMENT_BYTES, MAX_TRUST_FILE_BYTES
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.toml import parse_toml
from lyrikstore.credentials.did import parse_document
from lyrikstore.credentials.trust.file import (
    encode_authority,
    encode_document,
    encode_issuer,
    encode_log,
    encode_trust,
    encode_witness,
    load_trust,
    parse_trust,
    read_file,
    sibling_reader,
    the_file,
    toml_list,
)
from lyrikstore.credentials.trust.model import (
    NOBODY,
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

_DAYS = {"maxStatusDays": "max_status_age", "maxLogDays": "max_log_age"}
_LISTS = ("keys", "hashes", "cryptosuites")
LIMITS = (*_DAYS, "witnessesRequired", *(f"allow.{name}" for name in _LISTS))
"""Names of the limits that :func:`set_limit` sets."""


def add_issuer(path: Path, issuer: TrustedIssuer) -> bool:
    """Add one entry to the trust file, keeping the rest of it byte for byte.

    Args:
        path: The file; it is created, with its folder, if absent.
        issuer: The entry. Several entries may name one DID, each for other roles or names.

    Returns:
        Whether the file changed: False if it already has exactly this entry.

    Raises:
        ConflictError: (``nickname-taken``) the nickname already belongs to another DID.
        FormatError: (``bad-trust``) the file is not a trust file.
        InvalidInputError: (``bad-issuer``) the entry is invalid: not a did:web or an Ed25519
        did:key, an unknown role, an empty nickname.
        StorageError: The file cannot be written.
    """
    trust = load_trust(path)
    _check_entry(Trust((issuer,)), "bad-issuer")
    if issuer in trust.issuers:
        return False
    for other in trust.issuers:
        if other.nickname == issuer.nickname and other.did != issuer.did:
            raise ConflictError(
                "nickname-taken",
                f"{issuer.nickname!r} already names {other.did}",
                hint="choose another nickname, or remove the entry first",
            )
    wanted = replace(trust, issuers=(*trust.issuers, issuer))
    _append(path, encode_issuer(issuer), wanted)
    return True


def check_issuer(did: str) -> None:
    """Raise ``bad-issuer`` unless ``did`` is a did:web or a complete did:key.

    Raises:
        InvalidInputError: (``bad-issuer``) it is neither.
        LyrikstoreError: As :func:`parse_did_key`.
    """
    if did.startswith("did:web:"):
        return
    if not did.startswith("did:key:"):
        raise InvalidInputError(
            "bad-issuer",
            f"{did[:80]} is neither a did:key or did:web nor the key of a log",
            hint=f"write did:key:{did[:80]}"
            if did.startswith("z6Mk")
            else "print a did:key with: lyrikstore key show; the key of a log is ORIGIN+ID+KEY",
        )
    try:
        parse_did_key(did)
    except KeyMaterialError as error:
        if error.kind != "bad-key":
            raise
        raise InvalidInputError(
            "bad-issuer",
            f"{did[:80]} is not a complete key",
            hint="copy it again: did:key:z6Mk and 44 more letters and digits, nothing else",
        ) from None


def add_successor(path: Path, old: str, new: str, store: Digest) -> str | None:
    """Extend the trust in a key of one store to its successor in that store.

    Args:
        path: The trust file.
        old: DID of the key.
        new: DID of its successor.
        store: Id of the store.

    Returns:
        The nickname of the new entry; None if there is no entry for that key and store alone.

    Raises:
        FormatError, StorageError: As :func:`add_issuer`.
    """
    issuers = load_trust(path).issuers
    known = {issuer.nickname for issuer in issuers}
    for issuer in issuers:
        if issuer.did == old and issuer.stores == (store,):
            names = (f"{issuer.nickname[:90]} {number}" for number in count(2))
            name = next(name for name in names if name not in known)
            add_issuer(path, replace(issuer, did=new, nickname=name))
            return name
    return None


def pin_file(path: Path, document: Path, did: str) -> PinnedDocument | None:
    """Pin the DID document in a file, as :func:`add_document` does.

    Args:
        path: The trust file.
        document: The file.
        did: The DID of the document.

    Raises:
        InvalidInputError: (``other-did``) the document is that of another DID.
        NotFoundError: (``no-file``) the file does not exist; else as :func:`add_document`.
        LyrikstoreError: As :func:`read_at_most`.
    """
    data = read_at_most(document, MAX_DID_DOCUMENT_BYTES + 1)
    found = parse_document(data)
    if found.id != did:
        raise InvalidInputError(
            "other-did", f"{document} is the document of {found.id}, not of {did}"
        )
    return add_document(path, data)


def add_document(path: Path, data: bytes) -> PinnedDocument | None:
    """Pin a DID document: accept it as the DID's own. Documents pinned before stay.

    Args:
        path: The trust file.
        data: The document, which is copied into the trust file.

    Returns:
        The pinned document, or None if exactly this document is already pinned.

    Raises:
        FormatError: (``bad-did-document``) it is not a DID document.
        FormatError, StorageError: As :func:`add_issuer`.
    """
    pinned = PinnedDocument(parse_document(data).id, data)
    trust = load_trust(path)
    if any((one.did, one.data) == (pinned.did, data) for one in trust.documents):
        return None
    wanted = replace(trust, documents=(*trust.documents, pinned))
    _append(path, encode_document(pinned), wanted)
    return pinned


def add_log(path: Path, key: str) -> bool:
    """Add trust in the log with this verifier key; returns as :func:`add_issuer`.

    Raises:
        InvalidInputError: (``bad-log``) it is not a verifier key; else as :func:`add_issuer`.
    """
    try:
        parsed = VerifierKey.parse(key)
    except (FormatError, KeyMaterialError) as error:
        raise InvalidInputError("bad-log", error.message) from None
    log = TrustedLog(parsed.name, parsed)
    trust = load_trust(path)
    if log in trust.logs:
        return False
    _append(path, encode_log(log), replace(trust, logs=(*trust.logs, log)))
    return True


def add_witness(path: Path, key: str) -> bool:
    """Add the witness with this verifier key; returns as :func:`add_issuer`.

    Raises:
        InvalidInputError: (``bad-witness``) it is not a verifier key; else as :func:`add_issuer`.
    """
    try:
        witness = TrustedWitness.parse(key.partition("+")[0], key)
    except (FormatError, KeyMaterialError) as error:
        raise InvalidInputError("bad-witness", error.message) from None
    trust = load_trust(path)
    if witness in trust.witnesses:
        return False
    wanted = replace(trust, witnesses=(*trust.witnesses, witness))
    _append(path, encode_witness(witness), wanted)
    return True


def add_authority(path: Path, name: str, certificate: bytes) -> bool:
    """Add a time stamp authority with its certificate; returns as :func:`add_issuer`.

    Args:
        path: The trust file.
        name: The user's own name for it.
        certificate: Its certificate, or the root of its chain, as PEM.

    Raises:
        InvalidInputError: (``bad-certificate``) it is not one certificate; else as
            :func:`add_issuer`.
    """
    text = certificate.decode("ascii", "replace").replace("\r\n", "\n").strip() + "\n"
    # Other tools write words before the certificate.
    _, begin, rest = text.rpartition("-----BEGIN CERTIFICATE-----\n")
    authority = TrustedAuthority(name, begin + rest)
    trust = load_trust(path)
    if authority in trust.authorities:
        return False
    wanted = replace(trust, authorities=(*trust.authorities, authority))
    _check_entry(replace(wanted, documents=()), "bad-certificate")
    _append(path, encode_authority(authority), wanted)
    return True


def remove(path: Path, who: str) -> Trust:
    """Remove every entry of ``who``, keeping the rest of the file byte for byte.

    Args:
        path: The trust file.
        who: A DID or a nickname, for issuers, and with a DID its pinned documents; the digest of
            a pinned document; the name or key of a log or witness; the name of an authority.

    Returns:
        A trust with the removed entries.

    Raises:
        NotFoundError: (``no-issuer``) there is no such entry.
        FormatError: (``bad-trust``) the file is not a trust file.
        StorageError: The file cannot be written.
    """
    text = read_file(path)
    trust = parse_trust(text, sibling_reader(path), the_file(path))
    named: dict[str, list[bool]] = {
        "issuer": [who in (one.did, one.nickname) for one in trust.issuers],
        "document": [who in (one.did, str(one.digest)) for one in trust.documents],
        "log": [who in (one.origin, str(one.key)) for one in trust.logs],
        "witness": [who in (one.name, one.key) for one in trust.witnesses],
        "authority": [who == one.name for one in trust.authorities],
    }
    if not any(flag for flags in named.values() for flag in flags):
        raise NotFoundError(
            "no-issuer",
            f"the trust file names no {who}",
            hint="list the entries with: lyrikstore trust list",
        )
    gone = {kind: {i for i, flag in enumerate(flags) if flag} for kind, flags in named.items()}
    removed = _only(trust, gone, keep=True)
    rest = _only(trust, gone, keep=False)
    kept = _without_blocks(text, gone)
    _write(path, kept if _states(path, kept, rest) else encode_trust(rest), rest)
    return removed


def set_limit(path: Path, name: str, values: Sequence[str]) -> Trust:
    """Set a maximum age, the number of witnesses required, or an allow-list.

    Args:
        path: The trust file.
        name: One of :data:`LIMITS`.
        values: One number, or the members of the list; empty: the limit is removed.

    Returns:
        The trust in the changed file.

    Raises:
        InvalidInputError: (``bad-limit``) the limit is unknown, or the value is invalid.
        FormatError, StorageError: As :func:`remove`.
    """
    text = read_file(path)
    trust = parse_trust(text, sibling_reader(path), the_file(path))
    wanted = _with_limit(trust, name, values)
    _check_entry(replace(wanted, documents=()), "bad-limit")
    table, _, member = name.rpartition(".")
    line = ""
    if values:
        line = f"{member} = {toml_list(sorted(values)) if table else values[0]}\n"
    edited = _with_line(_begun(text), table, member, line)
    _write(path, edited if _states(path, edited, wanted) else encode_trust(wanted), wanted)
    return wanted


def _with_limit(trust: Trust, name: str, values: Sequence[str]) -> Trust:
    changes: dict[str, Any]
    if name.startswith("allow.") and name in LIMITS:
        changes = {name.removeprefix("allow."): frozenset(values) if values else None}
        return replace(trust, allowed=replace(trust.allowed, **changes))
    if name not in LIMITS or len(values) > 1 or not all(v.isdecimal() for v in values):
        raise InvalidInputError(
            "bad-limit",
            f"the limit {quote(name)} is unknown, or its value is invalid",
            hint=f"name one of {', '.join(LIMITS)}, and a number of days or the list's members",
        )
    number = int(values[0]) if values else None
    if name == "witnessesRequired":
        return replace(trust, witnesses_required=number or 0)
    field = _DAYS[name]
    try:
        age = getattr(NOBODY, field) if number is None else timedelta(days=number)
    except OverflowError:
        raise InvalidInputError("bad-limit", f"{number} days is not a valid maximum age") from None
    changes = {field: age}
    return replace(trust, **changes)


def _check_entry(trust: Trust, kind: str) -> None:
    # What is written has to be read back as itself; this also finds what the schema refuses.
    try:
        survives = parse_trust(encode_trust(trust)) == trust
    except FormatError as error:
        raise InvalidInputError(kind, error.message) from None
    if not survives:
        raise InvalidInputError(kind, "the written entry differs from the one that was added")


def _only(trust: Trust, chosen: dict[str, set[int]], *, keep: bool) -> Trust:
    def pick(kind: str, items: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(item for i, item in enumerate(items) if (i in chosen[kind]) == keep)

    return replace(
        trust,
        issuers=pick("issuer", trust.issuers),
        documents=pick("document", trust.documents),
        logs=pick("log", trust.logs),
        witnesses=pick("witness", trust.witnesses),
        authorities=pick("authority", trust.authorities),
        allowed=AllowedKeys() if keep else trust.allowed,
    )


def _without_blocks(text: bytes, gone: dict[str, set[int]]) -> bytes:
    kept: list[bytes] = []
    seen = dict.fromkeys(gone, -1)
    skipping = False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith(b"["):
            head = line.split(b"#")[0].strip()
            kind = head[2:-2].decode("utf-8", "replace") if head.startswith(b"[[") else ""
            skipping = False
            if kind in seen:
                seen[kind] += 1
                skipping = seen[kind] in gone[kind]
        if not skipping:
            kept.append(line)
    return b"".join(kept)


def _with_line(text: bytes, table: str, member: str, line: str) -> bytes:
    # Only the plain spelling is looked for; whatever else a person wrote, the caller sees that the
    # result does not say what was asked for, and writes the file anew.
    kept: list[bytes] = []
    here, done = "", not line
    for old in text.splitlines(keepends=True):
        if old.lstrip().startswith(b"["):
            if here == table and not done:
                kept.append(line.encode())
                done = True
            here = old.split(b"#")[0].strip().strip(b"[]").decode("utf-8", "replace")
        elif here == table and old.split(b"=")[0].strip() == member.encode():
            if not done:
                kept.append(line.encode())
                done = True
            continue
        kept.append(old)
    if not done:
        if kept and not kept[-1].endswith(b"\n"):
            kept.append(b"\n")
        kept.append((f"\n[{table}]\n" if table and here != table else "").encode() + line.encode())
    return b"".join(kept)


def _append(path: Path, block: str, wanted: Trust) -> None:
    body = _begun(read_file(path))
    separator = b"\n" if body.endswith(b"\n") else b"\n\n"
    _write(path, body + separator + block.encode(), wanted)


def _begun(text: bytes) -> bytes:
    """Return the text of a trust file with its version line, which is added if absent."""
    if parse_toml(text, max_bytes=MAX_TRUST_FILE_BYTES):
        return text
    return text + (b"\n" if text.strip() and not text.endswith(b"\n") else b"") + b"version = 1\n"


def _states(path: Path, text: bytes, wanted: Trust) -> bool:
    try:
        return parse_trust(text, sibling_reader(path)) == wanted
    except FormatError:
        return False


def _write(path: Path, text: bytes, wanted: Trust) -> None:
    # Write, read back, compare before the old file goes: a trust file that says something else
    # than was asked for is worse than none.
    if not _states(path, text, wanted):
        raise FormatError("bad-trust", "the trust file cannot be changed safely: edit it by hand")
    with storage_errors(f"writing {path}"):
        replace_file(path, text, mode=0o600, folder_mode=0o700)
