"""Choice of what goes into an audit file (spec §22.3), and the evidence made from it.

What is chosen is found by what the signed objects name; nobody's trust decides.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from lyrikstore.audit.file.evidence import AuditEvidence
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, StorageError
from lyrikstore.canon.limits import MAX_AUDIT_OBJECT_BYTES
from lyrikstore.credentials.did import documents_among
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.history.log.checkpoint import Leaf
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.key_statements import is_statement

_ALWAYS = frozenset({"genesis", "policy", "rules", "timestamp"})
"""Kinds that are in every audit file: who may say what, under which rules, and since when."""

_ABOUT: Mapping[str, frozenset[str]] = {
    "approval": frozenset({"card"}),
    "card": frozenset({"checkpoint", "subject"}),
    "delivery": frozenset({"dataset"}),
    "deployment": frozenset({"checkpoint"}),
    "evaluation": frozenset({"checkpoint"}),
    "prediction": frozenset({"checkpoint"}),
    "records": frozenset({"dataset"}),
    "reproduction": frozenset({"run"}),
    "retention": frozenset({"dataset", "checkpoint", "evaluation", "card", "deployment"}),
    "run": frozenset({"train"}),
    "waiver": frozenset({"dataset", "checkpoint"}),
}
"""Kind → roles of the inputs that it is a statement about."""

_LICENCE_COLUMNS = frozenset({"licence", "license"})
"""Columns whose cells may leave the store: they name licences, and terms are sorted by them."""

_DIGEST = re.compile(rb"(?:urn:)?blake3:([0-9a-f]{64})")
_CONTEXT = re.compile(rb"https://(?:www\.w3\.org|w3id\.org)/")
_LIST = b"BitstringStatusListCredential"
_WORD = re.compile(rb'"((?:did:|https?://|urn:)[^"\\]{1,2000})"')


def gather(
    repository: Repository, about: Mapping[str, str], since: str | None = None
) -> AuditEvidence:
    """Return the evidence about a subject, as of the log checkpoint of the home.

    Args:
        repository: The store; in a clone, what is not pushed is left out.
        about: The subject, as :attr:`AuditEvidence.about` has it.
        since: A log checkpoint that the auditor kept, or None.

    Raises:
        InvalidInputError: (``not-pushed``) the subject is not in the home log yet.
        NotFoundError: (``not-logged``) it is not logged.
        LyrikstoreError: An object cannot be read, as for a store.
        FormatError: (``bad-audit``) there is too much for one file.

    Cost: reads every manifest and credential of the log.
    """
    signed = repository.checkpoint
    entries = repository.entries()[: signed.size]
    chosen = _Choice(repository, entries).of(about)
    objects = {}
    for one in chosen:
        data = repository.blobs.read(one, max_bytes=MAX_AUDIT_OBJECT_BYTES)
        if _is_text(data):
            objects[one] = data
    return AuditEvidence(
        about,
        repository.store_id,
        signed.note.decode(),
        tuple(Leaf(one.type, one.id) for one in entries),
        objects,
        since,
    )


def _selects_by_cells(data: bytes) -> bool:
    """Whether a credential says which files or rows it means, by paths or by cells of a sheet."""
    subject = (OpenedCredential(data).document or {}).get("credentialSubject")
    terms = subject.get("licence") if isinstance(subject, dict) else None
    parts = terms.get("partitions") if isinstance(terms, dict) else None
    return any(
        not isinstance(one, dict) or one.get("column") not in _LICENCE_COLUMNS
        for part in (parts if isinstance(parts, list) else ())
        for one in (part.get("select", ()) if isinstance(part, dict) else ())
    )


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Choice:
    """The objects of a log, and what names what."""

    def __init__(self, repository: Repository, entries: Iterable[LoggedEntry]) -> None:
        self.manifests: dict[Digest, Manifest] = {}
        self.broken: list[Digest] = []
        self.credentials: dict[Digest, bytes] = {}
        for entry in entries:
            if entry.type == "manifest":
                try:
                    self.manifests.setdefault(entry.id, repository.manifest(entry.id))
                except StorageError:
                    raise
                except LyrikstoreError:
                    self.broken.append(entry.id)
            elif entry.type == "credential":
                try:
                    self.credentials.setdefault(entry.id, repository.credential(entry.id))
                except StorageError:
                    raise
                except LyrikstoreError:
                    self.broken.append(entry.id)
        self.flagged = {one.id for one in repository.flagged}
        self.users: dict[Digest, list[Manifest]] = {}
        self.names: dict[str, list[Digest]] = {}
        for one in self.manifests.values():
            for item in one.inputs:
                self.users.setdefault(item.id, []).append(one)
            self.names.setdefault(one.name, []).append(one.id)

    def of(self, about: Mapping[str, str]) -> list[Digest]:
        """Return the ids of the objects that an audit file about a subject has."""
        [(word, stated)] = about.items()
        if word == "store":
            return [*self.manifests, *self.credentials]
        if word == "namespace":
            core = {one for one, m in self.manifests.items() if m.name.split("/")[1] == stated}
            if not core:
                raise InvalidInputError(
                    "not-logged", f"nothing in this log has a name in the namespace {stated}"
                )
        else:
            core = {self._start(word, Digest.parse(stated))}
            core = self._closed(core, self._made_from)
        chosen = self._with_statements(core)
        chosen = self._with_statements(self._closed(chosen, self._origins))
        chosen |= {one for one, m in self.manifests.items() if m.kind in _ALWAYS}
        chosen = self._closed(chosen, self._origins_and_names)
        credentials = self._credentials(chosen)
        chosen |= self._withdrawals(credentials)
        return [*self._closed(chosen, self._origins_and_names), *credentials]

    def _start(self, word: str, identity: Digest) -> Digest:
        known = self.credentials if word == "credential" else self.manifests
        if identity not in known:
            raise InvalidInputError(
                "not-pushed",
                f"{identity.short} is not in the home log, so nothing there proves it",
                hint="send it to the home log: lyrikstore push",
            )
        if word == "manifest":
            return identity
        for found in _DIGEST.findall(self.credentials[identity]):
            one = Digest.parse_hex(found.decode())
            if one in self.manifests and self.manifests[one].kind != "genesis":
                return one
        text = f"credential {identity.short} is about no version in this log"
        raise InvalidInputError("not-logged", text)

    def _closed(
        self, start: Iterable[Digest], step: Callable[[Digest], Iterable[Digest]]
    ) -> set[Digest]:
        """Return what is reached by steps, the start included."""
        found = {one for one in start if one in self.manifests}
        waiting = list(found)
        while waiting:
            for one in step(waiting.pop()):
                if one in self.manifests and one not in found:
                    found.add(one)
                    waiting.append(one)
        return found

    def _made_from(self, one: Digest) -> Iterator[Digest]:
        return (user.id for user in self.users.get(one, ()))

    def _origins(self, one: Digest) -> Iterator[Digest]:
        manifest = self.manifests[one]
        return iter((*(item.id for item in manifest.inputs), *manifest.parents))

    def _origins_and_names(self, one: Digest) -> Iterator[Digest]:
        # Whether a version counts depends on all earlier ones of its name. Later ones that have no
        # effect show what somebody tried.
        name = self.names[self.manifests[one].name]
        tried = (each for each in name if each in self.flagged)
        return iter((*self._origins(one), *name[: name.index(one)], *tried))

    def _with_statements(self, core: set[Digest]) -> set[Digest]:
        """Return some manifests with the statements about them, and about those."""
        return self._closed(core, self._statements)

    def _statements(self, one: Digest) -> Iterator[Digest]:
        for user in self.users.get(one, ()):
            roles = _ABOUT.get(user.kind, frozenset())
            made = user.kind == "checkpoint" and self.manifests[one].kind == "run"
            if made or any(item.id == one and item.role in roles for item in user.inputs):
                yield user.id

    def _credentials(self, chosen: set[Digest]) -> set[Digest]:
        """Return the credentials that concern some manifests, and what shows their status."""
        about = [self.manifests[one] for one in chosen if self.manifests[one].kind not in _ALWAYS]
        wanted = {one.id.hex.encode() for one in about}
        wanted |= {one.tree.hex.encode() for one in about if one.tree is not None}
        named = {digest for one in about for digest in _DIGEST.findall(one.encode())}
        words: set[bytes] = set()
        found: set[Digest] = set()
        while True:
            new = {
                one
                for one, (digests, places, is_status) in self._named.items()
                if one not in found
                and (
                    one.hex.encode() in named
                    or not wanted.isdisjoint(digests)
                    or (is_status and not words.isdisjoint(places))
                )
            }
            if not new:
                return {one for one in found if not _selects_by_cells(self.credentials[one])}
            found |= new
            wanted |= {one.hex.encode() for one in new}
            words |= {word for one in new for word in self._named[one][1]}

    @cached_property
    def _named(self) -> Mapping[Digest, tuple[frozenset[bytes], frozenset[bytes], bool]]:
        """Credential → the digests and places that it names, and whether it is about a status."""
        return {
            one: (
                frozenset(_DIGEST.findall(data)),
                frozenset(word for word in _WORD.findall(data) if not _CONTEXT.match(word)),
                _LIST in data or is_statement(data) or bool(documents_among([data])),
            )
            for one, data in self.credentials.items()
        }

    def _withdrawals(self, credentials: set[Digest]) -> set[Digest]:
        named = {str(one) for one in credentials}
        return {
            one
            for one, manifest in self.manifests.items()
            if manifest.kind == "withdrawal" and manifest.body["credential"] in named
        }
