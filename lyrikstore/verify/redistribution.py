"""Checks that the terms of redistributed data keep to its publishers' terms (spec §19.9, §11.4.6).

Sans-IO. If nothing in the delivery declares an import, no check can detect another publisher's
data.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import listed, printable, printable_did, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.credential import GRANT, Claims
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.redistribution import (
    MAX_SOURCES,
    LeftOut,
    credentials_left_out,
    credentials_pinned,
    rests_on_others,
)
from lyrikstore.credentials.terms.bounds import REDISTRIBUTE, TermsBound, partitions_shared
from lyrikstore.credentials.terms.model import Partition, UsageLimits
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree
from lyrikstore.verify.credential.credential import CheckedCredential, check_credential
from lyrikstore.verify.credential.grant import Holder, check_grant
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.report import (
    Check,
    CheckState,
    check_of,
    first_in,
    not_applicable,
    passed,
    stated,
    unchecked,
)

_CHECK = "terms.sources"
_STATES = (CheckState.FAIL, CheckState.UNCHECKED, CheckState.WARN, CheckState.PASS)


class Delivered(Struct, frozen=True):
    """The parts of a delivery that are checked.

    Attributes:
        files: The files beside the credential, by digest.
        manifest: The manifest of its dataset, or None if there is none.
        tree: The list of files, or None if it is not sound.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What issuers have published since, and key statements of stores.
    """

    files: Mapping[Digest, OpenedCredential]
    manifest: Manifest | None
    tree: Tree | None
    trust: Trust
    at: datetime
    status_updates: StatusUpdates


class _Named(Struct, frozen=True):
    """The findings about one credential of a first publisher."""

    state: CheckState
    reason: str
    text: str
    issuer: str | None
    name: str | None
    credential: Digest
    claims: Claims | None = None
    outcome: CheckedCredential | None = None

    def to_json(self, imports: Mapping[Digest, Manifest]) -> dict[str, JSON]:
        claims = self.claims
        part = None if claims is None else imports.get(claims.manifest)
        return {
            "credential": str(self.credential),
            "issuer": printable_did(self.issuer),
            "name": printable(self.name),
            "part": None if part is None else part.name,
            "state": str(self.state),
            "reason": self.reason or None,
        }


def first_credentials(
    repository: Repository, credential: OpenedCredential
) -> list[OpenedCredential]:
    """Return the logged credentials that a credential rests on; those of first publishers last.

    Args:
        repository: The store.
        credential: A dataset credential; neither it nor the others are verified.

    Raises:
        LyrikstoreError: One of the credentials is lost or damaged.
    """
    pending, found = [credential], dict[Digest, OpenedCredential]()
    while pending:
        for identity in credentials_pinned(pending.pop(0).document):
            if identity not in found and repository.is_logged(identity, "credential"):
                found[identity] = logged_credential(repository, identity)
                pending.append(found[identity])
    return list(found.values())


def check_sources(outcome: CheckedCredential, delivered: Delivered) -> Check:
    """Return the check ``terms.sources``: the first publishers, and whether their terms are kept.

    Args:
        outcome: The checks of the delivery's credential.
        delivered: The other parts of the delivery.

    Cost: two signatures for each credential that the delivery rests on, at most
    :data:`MAX_SOURCES` of them.
    """
    claims, document = outcome.claims, outcome.envelope.document
    if claims is None or document is None:
        return not_applicable(_CHECK, "not looked at: the credential is malformed")
    own, imports = _imports(delivered.manifest, delivered.files)
    if not rests_on_others(document):
        if own is None or own.body.get("origin") != "imported":
            return not_applicable(_CHECK, "nothing here says that it was imported")
        summary = "its manifest says that it was imported; what its first publisher permits is not"
        return stated(_CHECK, f"{summary} here")
    try:
        found = list(_Judge(delivered, imports).all(outcome))
    except _TooManyError:
        summary = f"it rests on more than {MAX_SOURCES} credentials of others"
        return unchecked(_CHECK, "too-many", summary)
    if not found:
        summary = "it rests on a grant alone, whose terms it does not name"
        return unchecked(_CHECK, "missing-file", summary)
    return _summed([*found, *_unbound(own, imports, found)], imports)


class _TooManyError(Exception):
    pass


class _Judge(Struct, frozen=True):
    delivered: Delivered
    imports: Mapping[Digest, Manifest]

    def all(self, outcome: CheckedCredential) -> Iterator[_Named]:
        """Yield the findings about each credential that a credential rests on, recursively."""
        pending, seen = [outcome], set[Digest]()
        while pending:
            handing_on = pending.pop(0)
            document = handing_on.envelope.document
            wanted: list[tuple[Digest, LeftOut | None]] = [
                *((digest, None) for digest in credentials_pinned(document)),
                *((left.credential, left) for left in credentials_left_out(document)),
            ]
            for digest, left in wanted:
                if digest in seen:
                    continue
                seen.add(digest)
                if len(seen) > MAX_SOURCES:
                    raise _TooManyError
                one = self.delivered.files.get(digest)
                if one is None and left is not None:
                    yield _left_out(left)
                elif one is None:
                    text = f"credential {digest.short}, which it rests on, is not beside it"
                    yield _Named(CheckState.UNCHECKED, "missing-file", text, None, None, digest)
                elif (
                    one.kind is not GRANT
                ):  # of those left out, the buyer has it from its publisher
                    yield (found := self._judge(one, handing_on, left))
                    pending += [] if found.outcome is None else [found.outcome]

    def _judge(
        self, one: OpenedCredential, handing_on: CheckedCredential, left: LeftOut | None = None
    ) -> _Named:
        given = self.delivered
        outcome = check_credential(
            one, trust=given.trust, at=given.at, status_updates=given.status_updates
        )
        claims, issuer = outcome.claims, outcome.issuer

        def found(state: CheckState, reason: str, text: str) -> _Named:
            name = None if claims is None else claims.name
            kept = outcome if outcome.signature_valid else None
            return _Named(state, reason, text, issuer, name, one.digest, claims, kept)

        proof = outcome.check("proof")
        if proof.state is CheckState.UNCHECKED and claims is not None:
            return found(CheckState.UNCHECKED, str(proof.detail["reason"]), proof.summary)
        if claims is None or not outcome.signature_valid or issuer is None:
            return found(CheckState.FAIL, "unsound", "what it rests on does not hold")
        key = outcome.check_key(given.status_updates)
        standing = (outcome.check("trust.allowed"), outcome.check("period"), key)
        status = outcome.check("status")
        replaced = status.detail.get("reason") == "superseded"
        for check in (*standing, *([] if replaced else [status])):
            if check.state is CheckState.FAIL:
                return found(CheckState.FAIL, str(check.detail["reason"]), check.summary)
        too_much = self._exceeds(one, claims, outcome, handing_on, apart=left is not None)
        if too_much is not None and left is not None and self._lacks_some(handing_on):
            return _left_out(left)  # the grant that would permit it, say
        if too_much is not None:
            return found(CheckState.FAIL, "exceeds", f"more than its terms allow: {too_much}")
        for check in (key, *([] if replaced else [status])):
            if check.state in {CheckState.UNCHECKED, CheckState.WARN}:
                return found(CheckState.UNCHECKED, str(check.detail["reason"]), check.summary)
        if key.state is CheckState.NOT_APPLICABLE:
            text = "nothing here shows that the key which signed it is its store's"
            return found(CheckState.UNCHECKED, "no-policy", text)
        for check in (outcome.check("trust.issuer"), outcome.check("issuer.document")):
            if check.state is CheckState.WARN:
                return found(CheckState.WARN, str(check.detail["reason"]), check.summary)
        if replaced:
            return found(CheckState.WARN, "superseded", "its publisher has replaced it since")
        return found(CheckState.PASS, "", "")

    def _exceeds(
        self,
        one: OpenedCredential,
        claims: Claims,
        outcome: CheckedCredential,
        handing_on: CheckedCredential,
        *,
        apart: bool,
    ) -> str | None:
        theirs, document = handing_on.claims, handing_on.envelope.document
        own = handing_on.issuer == outcome.issuer and not rests_on_others(one.document)
        if theirs is None or document is None or own:
            return None
        tree = self.delivered.tree
        shared = None
        if tree is not None and theirs.tree == claims.tree == tree.id:
            shared = partitions_shared(tree, theirs.terms, claims.terms)
        until = _until(document)
        faults: list[str] = []
        # Which partitions a filter left, nothing here says: those of any one will do.
        whole = claims.terms.partitions
        parts = [(part,) for part in whole] if apart else [whole]
        for bound in self._bounds(one, handing_on, parts):
            lacking = bound.lacks([REDISTRIBUTE])
            fault = f"{REDISTRIBUTE} is not permitted" if lacking else None
            fault = fault or bound.exceeded_by(theirs.terms, until, shared)
            if fault is None:
                return None
            faults.append(fault)
        return faults[0]

    def _lacks_some(self, handing_on: CheckedCredential) -> bool:
        document = handing_on.envelope.document
        left = credentials_left_out(document)
        return any(one.credential not in self.delivered.files for one in left)

    def _bounds(
        self,
        one: OpenedCredential,
        handing_on: CheckedCredential,
        parts: Sequence[tuple[Partition, ...]],
    ) -> Iterator[TermsBound]:
        given, until = self.delivered, _until(one.document)
        for part in parts:
            yield TermsBound(part, until)
        for grant in self._grants(one, handing_on):
            checked = check_grant(
                grant,
                trust=given.trust,
                at=given.at,
                status_updates=given.status_updates,
                terms=one,
                holder=Holder(str((grant.document or {})["credentialSubject"]["id"])),
            )
            said = checked.grant
            broken = first_in(checked.checks, CheckState.FAIL) is not None
            if said is None or broken or not _stands(checked.checks):
                continue
            ends = filter(None, (until, _until(grant.document)))
            end = min(ends, default=None)
            limits = UsageLimits.of(said.limits)
            for part in parts:
                granted = tuple(one.with_grant(said.permits) for one in part)
                yield TermsBound(granted, end, said.requires, limits)

    def _grants(
        self, terms: OpenedCredential, handing_on: CheckedCredential
    ) -> Iterator[OpenedCredential]:
        """Yield the grants that claim to let the redistributor use the data under ``terms``."""
        document = handing_on.envelope.document
        left = (one.credential for one in credentials_left_out(document))
        for digest in (*credentials_pinned(document), *left):
            grant = self.delivered.files.get(digest)
            if grant is None or grant.kind is not GRANT or terms.id is None:
                continue
            with suppress(KeyError, TypeError):
                subject = (grant.document or {})["credentialSubject"]
                named, holder = subject["grant"]["terms"]["digest"], subject["id"]
                if named == terms.id.urn and holder in {handing_on.issuer, handing_on.signer}:
                    yield grant


def _stands(checks: Iterable[Check]) -> bool:
    """Return whether a grant is known to be valid.

    Whether its issuer is trusted is checked with the terms that the grant names.
    """
    checks = tuple(checks)
    asked = ("proof", "status", "issuer.key", "grant.terms", "grant.holder")
    return all(check_of(checks, name).state is not CheckState.UNCHECKED for name in asked)


def _until(document: Mapping[str, Any] | None) -> str | None:
    value = (document or {}).get("validUntil")
    return value if isinstance(value, str) else None


def _left_out(left: LeftOut) -> _Named:
    text = "its publisher's credential is named and not here: it would tell what a filter took out"
    return _Named(CheckState.WARN, "left-out", text, left.issuer, left.name, left.credential)


def _unbound(
    own: Manifest | None, imports: Mapping[Digest, Manifest], found: Sequence[_Named]
) -> Iterator[_Named]:
    """Yield a finding for each import that no credential of the delivery is about.

    ATTACK A115: the credential of another, freely licensed dataset is put into the delivery, or one
    about the same data that the redistributor issued from a store of their own.
    """
    if any(one.claims is None for one in found):
        return
    for one in {manifest.id: manifest for manifest in imports.values()}.values():
        foreign = {item.id for item in one.attachments_in("foreign-manifest")}
        stores = {item.id for item in one.attachments_in("foreign-genesis")}
        if any(_is_about(named.claims, foreign, one.tree, stores) for named in found):
            continue
        if own is not None and one.id == own.id:
            text = "what it rests on is about other data than what was imported"
            yield _Named(CheckState.FAIL, "other-dataset", text, None, None, found[0].credential)
        else:
            text = f"it rests on {quote(one.name)}, whose publisher's credential is not named"
            digest = min(foreign, default=one.id)
            yield _Named(CheckState.UNCHECKED, "missing-file", text, None, None, digest)


def _is_about(
    claims: Claims | None, manifests: set[Digest], tree: Digest | None, stores: set[Digest]
) -> bool:
    return (
        claims is not None
        and claims.manifest in manifests
        and claims.tree == tree
        and claims.store in stores
    )


def _imports(
    start: Manifest | None, files: Mapping[Digest, OpenedCredential]
) -> tuple[Manifest | None, dict[Digest, Manifest]]:
    """Return a dataset, and foreign manifest → its import, for the imports in the delivery."""
    pending, seen = [] if start is None else [start.id], set[Digest]()
    own: Manifest | None = None
    imports: dict[Digest, Manifest] = {}
    while pending and len(seen) < 512:
        identity = pending.pop()
        if identity in seen or identity not in files:
            continue
        seen.add(identity)
        try:
            is_own = start is not None and start.id == identity
            manifest = start if is_own else parse_manifest(files[identity].data)
        except LyrikstoreError:
            continue
        if manifest is None or manifest.kind != "dataset":
            continue
        own = manifest if is_own else own
        if manifest.body.get("origin") == "imported":
            for one in manifest.attachments_in("foreign-manifest"):
                imports.setdefault(one.id, manifest)
        pending += manifest.made_from
    return own, imports


def _summed(found: list[_Named], imports: Mapping[Digest, Manifest]) -> Check:
    worst = next(state for state in _STATES if any(one.state is state for one in found))
    first = next(one for one in found if one.state is worst)
    rows: list[JSON] = listed([one.to_json(imports) for one in found])
    named = [one for one in found if one.issuer is not None]
    whose = "; ".join(
        f"{quote(one.name or '?')}, by {quote(printable_did(one.issuer) or '?', 300)}"
        for one in named[:3]
    )
    more = f" and {pluralize(len(named) - 3, 'more')}" if len(named) > 3 else ""
    said = f"first published as {whose}{more}" if named else "of another publisher"
    if worst is CheckState.PASS:
        return passed(_CHECK, f"{said}: these terms keep to theirs", sources=rows)
    detail: dict[str, JSON] = {"reason": first.reason, "sources": rows}
    return Check(_CHECK, worst, (f"{said}: {first.text}", detail))
