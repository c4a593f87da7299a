"""What several answers need of the evidence: who signed, what is about what, what was revoked."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from lyrikstore.audit.file.opened import OpenedEvidence
from lyrikstore.canon import json
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.store.status_changes import StatusChange, status_changes

_KEY_START = 20


class LoggedCredential(Struct, frozen=True):
    """A credential of the evidence.

    Attributes:
        id: Its id.
        index: Its log index.
        opened: The credential.
        subject: Its ``credentialSubject``.
    """

    id: Digest
    index: int
    opened: OpenedCredential
    subject: Mapping[str, Any]

    @property
    def issuer(self) -> str:
        """The DID that it names as its issuer; empty if it names none."""
        return self.opened.issuer or ""

    @property
    def document(self) -> Mapping[str, Any]:
        """Its members; none if it cannot be read."""
        return self.opened.document or {}

    @property
    def claimed(self) -> str:
        """When it was made, as it claims."""
        return text_of(self.document.get("validFrom"))


class RightChange(Struct, frozen=True):
    """A change of the status of a credential.

    Attributes:
        index: Log index of the status list.
        issuer: The DID that issued the list.
        claimed: When the list was made, as it claims.
        change: What it changes.
        log: Log indices of the list and of the withdrawal that was logged with it.
        said_by: Who signed the reason; empty without one.
    """

    index: int
    issuer: str
    claimed: str
    change: StatusChange
    log: tuple[int, ...]
    said_by: str


class Known:
    """Evidence, with what its objects say of each other.

    Attributes:
        opened: The evidence.
    """

    def __init__(self, opened: OpenedEvidence) -> None:
        self.opened = opened

    def manifests(self, *kinds: str) -> Iterator[Manifest]:
        """Yield the manifests with effect of some kinds, in log order."""
        return self.opened.of_kind(*kinds)

    def at(self, manifest: Manifest | Digest) -> int:
        """Return the log index of a manifest."""
        return self.opened.index_of(manifest.id if isinstance(manifest, Manifest) else manifest)

    def get(self, identity: Digest | str) -> Manifest | None:
        """Return a manifest of the file; None if it is not in it."""
        one = Digest.parse(identity) if isinstance(identity, str) else identity
        return self.opened.manifests.get(one)

    def called(self, identity: Digest | str) -> str:
        """Return the name and short id of a manifest; the short id alone if it is not in it."""
        one = Digest.parse(identity) if isinstance(identity, str) else identity
        manifest = self.get(one)
        return one.short if manifest is None else f"{manifest.name} {one.short}"

    @cached_property
    def people(self) -> Mapping[str, tuple[str, int]]:
        """Key → the words of the policy that first gave it a role, and the policy's index."""
        found: dict[str, tuple[str, int]] = {}
        policies = [one for one in self.opened.effective if one.kind in {"genesis", "policy"}]
        for manifest, (index, policy) in zip(policies, self.opened.table.policies, strict=True):
            # A successor is a key of the same person; the message says why the other was replaced.
            before = {one.successor: one.key for one in policy.retired if one.successor}
            for role in policy.roles.values():
                for key in role.keys:
                    words = found.get(before.get(key, ""), (manifest.message, index))[0]
                    found.setdefault(key, (words, index))
        return found

    def who(self, did: str) -> str:
        """Return the words with which a key was admitted, and the start of its DID."""
        start = f"{did[:_KEY_START]}…" if did.startswith("did:key:") else did
        words = self.people.get(did, ("", 0))[0]
        return f"{words} ({start})" if words else start

    @cached_property
    def credentials(self) -> Mapping[Digest, LoggedCredential]:
        """Id → credential of one subject with a signature that holds, in log order."""
        found = {}
        for identity, one in self.opened.credentials.items():
            subject = (one.document or {}).get("credentialSubject")
            if not _is_sound(one) or not isinstance(subject, dict):
                continue
            if one.signer is not None:
                index = self.opened.index_of(identity, "credential")
                found[identity] = LoggedCredential(identity, index, one, subject)
        return found

    def of_type(self, word: str) -> Iterator[LoggedCredential]:
        """Yield the credentials of a type, in log order."""
        return (one for one in self.credentials.values() if word in one.document.get("type", ()))

    def about(self, manifest: Manifest) -> Iterator[LoggedCredential]:
        """Yield the dataset credentials about a manifest, its tree or its files."""
        ids = {one.urn for one in (manifest.id, manifest.tree, manifest.files) if one is not None}
        for one in self.of_type("DatasetCredential"):
            named = (one.subject.get(word) for word in ("id", "manifest", "files"))
            if not ids.isdisjoint(word for word in named if isinstance(word, str)):
                yield one

    @cached_property
    def changes(self) -> tuple[RightChange, ...]:
        """Every change of status, in log order."""
        changed = status_changes(self.opened)
        said = {
            (one.body["list"], one.body["credential"], one.author): one
            for one in self.opened.of_kind("withdrawal")
        }
        found = []
        for identity, some in changed.items():
            index = self.opened.index_of(identity, "credential")
            listed = self.opened.credentials[identity]
            claimed = text_of((listed.document or {}).get("validFrom"))
            for change in some:
                words = said.get((str(identity), str(change.credential), listed.signer or ""))
                log = (index,) if words is None else (index, self.at(words))
                by = words.author if words is not None and change.reason else ""
                issuer = listed.issuer or ""
                found.append(RightChange(index, issuer, claimed, change, log, by))
        return tuple(sorted(found, key=lambda one: (one.index, one.change.credential.raw)))

    @property
    def revocations(self) -> tuple[RightChange, ...]:
        """The changes that revoke or suspend a credential."""
        return tuple(one for one in self.changes if one.change.effect != "reinstates")

    def subjects(self, credential: Digest) -> list[Manifest]:
        """Return the manifests with effect that a dataset credential is about."""
        one = self.credentials.get(credential)
        if one is None:
            return []
        named = {one.subject.get(word) for word in ("id", "manifest", "files")}
        return [
            manifest
            for manifest in self.manifests("dataset")
            if named & {x.urn for x in (manifest.id, manifest.tree, manifest.files) if x}
        ]

    @cached_property
    def _users(self) -> Mapping[Digest, list[Manifest]]:
        found: dict[Digest, list[Manifest]] = {}
        for one in self.opened.effective:
            for identity in dict.fromkeys(item.id for item in one.inputs):
                found.setdefault(identity, []).append(one)
        return found

    def resting_on(self, credential: Digest) -> list[Manifest]:
        """Return what was made from the data of a credential, directly or not, in log order."""
        found: dict[Digest, Manifest] = {}
        waiting = [one.id for one in self.subjects(credential)]
        while waiting:
            for one in self._users.get(waiting.pop(), ()):
                if one.id not in found:
                    found[one.id] = one
                    waiting.append(one.id)
        return sorted(found.values(), key=self.at)


def _is_sound(one: OpenedCredential) -> bool:
    """Whether it has the shape of a credential of ours."""
    if one.kind is None:
        return False
    try:
        one.claims_as(one.kind)
    except LyrikstoreError:
        return False
    return True


def text_of(value: object) -> str:
    """Return a value of a signed document as a cell: texts as they are, others as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.encode(json.as_json(value)).decode()


def listed(values: Iterable[object]) -> str:
    """Return texts as a cell."""
    return ", ".join(map(text_of, values))
