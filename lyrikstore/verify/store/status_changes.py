"""The changes of each status list of a log: credentials, subjects and reasons (spec §20.6).

A status list is a row of bits. It revokes the credentials whose bits are set in it and not in the
list before it, at the same URL and by the same issuer. The withdrawal that was logged with it
contains the reason, if the issuer gave one.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_list import StatusList
from lyrikstore.crypto.multikey import parse_method_fragment
from lyrikstore.history.signed_log import SignedLog

_WORDS: Mapping[tuple[str, bool], str] = {
    ("revocation", True): "revokes",
    ("suspension", True): "suspends",
    ("suspension", False): "reinstates",
}
_Place = tuple[str, str, str]


class StatusChange(Struct, frozen=True, rename="camel"):
    """A change that a status list makes to one credential.

    Attributes:
        credential: The credential.
        effect: ``revokes``, ``suspends`` or ``reinstates``.
        about: Name of the subject of the credential, or its own name; None if unknown.
        reason: The reason in the issuer's words; empty if they gave none.
    """

    credential: Digest
    effect: str
    about: str | None
    reason: str = ""


class _Seen(Struct):
    named: dict[_Place, list[tuple[int, Digest, str | None]]] = field(default_factory=dict)
    bits: dict[_Place, bytes] = field(default_factory=dict)


def status_changes(repository: SignedLog) -> dict[Digest, list[StatusChange]]:
    """Return the changes of each status list, by its id; lists without changes are omitted.

    Cost: one read and one signature for each logged credential.
    """
    reasons = {
        (one.body["list"], one.body["credential"], one.author): one.message
        for _, one in repository.all_manifests()
        if one.kind == "withdrawal"
    }
    seen, found = _Seen(), dict[Digest, list[StatusChange]]()
    for entry in repository.entries():
        if entry.type != "credential" or entry.id in found:
            continue
        try:
            opened = logged_credential(repository, entry.id)
            if opened.list_url is None:
                _note_entries(repository, seen, entry.id, opened)
                continue
            changes = _changes(seen, StatusList.of(opened, parse_method_fragment))
        except LyrikstoreError:
            continue  # what it says is nobody's word; verify names it
        if changes:
            found[entry.id] = [
                # Words of anybody else are not the reason; verify names them.
                StatusChange(
                    *change, reasons.get((str(entry.id), str(change[0]), opened.signer or ""), "")
                )
                for change in changes
            ]
    return found


def _note_entries(
    repository: SignedLog, seen: _Seen, identity: Digest, opened: OpenedCredential
) -> None:
    for entry in opened.entries:
        place = (entry.url, entry.purpose, opened.issuer or "")
        about = subject_name(repository, opened) or _own_name(opened)
        seen.named.setdefault(place, []).append((entry.index, identity, about))


def _changes(seen: _Seen, found: StatusList) -> list[tuple[Digest, str, str | None]]:
    place = (found.url, found.purpose, found.issuer)
    before = seen.bits.get(place, bytes(len(found.bits)))
    # Of two clones each has its own list: the later one lacks what the other revoked, for good.
    known = before if found.purpose == "revocation" else b""
    seen.bits[place] = _either(known, found.bits)
    if before == found.bits:
        return []
    changes = []
    for index, identity, about in seen.named.get(place, ()):
        if index >= len(found):
            continue
        at, mask = index // 8, 128 >> index % 8
        now = bool(found.bits[at] & mask)
        was = at < len(before) and bool(before[at] & mask)
        word = _WORDS.get((found.purpose, now))
        if now != was and word is not None:
            changes.append((identity, word, about))
    return changes


def _either(one: bytes, other: bytes) -> bytes:
    size = max(len(one), len(other))
    padded = (int.from_bytes(bits.ljust(size, b"\0")) for bits in (one, other))
    return (next(padded) | next(padded)).to_bytes(size)


def subject_name(repository: SignedLog, credential: OpenedCredential) -> str | None:
    """Return the name of the manifest that a credential is about; None if it is not logged."""
    subject = (credential.document or {}).get("credentialSubject")
    try:
        return repository.manifest(Digest.parse_urn(subject["manifest"])).name  # type: ignore[index]
    except (LyrikstoreError, KeyError, TypeError):
        return None


def _own_name(credential: OpenedCredential) -> str | None:
    document = credential.document or {}
    name = document.get("name", document.get("id"))
    return name if isinstance(name, str) else None
