"""The check ``deployment.rights``, by the credentials beside a folder (spec §14.7.7).

The deploying user verified the rights with the whole store; the folder states the result. The
credentials that the run relied on are beside it, and are verified here: as of the run, and for
later revocations and ends.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import listed, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp, parse_timestamp
from lyrikstore.credentials.model.credential import GRANT, Claims
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.ends import TermsEnd
from lyrikstore.credentials.terms.model import Terms, Use
from lyrikstore.credentials.terms.usage import PartitionsUsed
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.deployment.credentials import left_out, renewed_by
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, CheckState, stated, unchecked
from lyrikstore.verify.rights.grants import Published
from lyrikstore.verify.rights.judge import (
    ENDED_LATER,
    LoggedDocument,
    Reason,
    Request,
    RightCandidate,
    Ruling,
    judge,
    note_ruling,
)

_CHECK = "deployment.rights"
_NO_NEWS = frozenset({"no-list", "future-list", "stale-list", "expired-list"})
"""Reasons of ``status`` that only report the lack of a recent list."""

_OF_TRUST = ("unknown-issuer", "out-of-scope", "snapshot-only")
"""Warnings of the deploying user that concern only that user's trust file."""


def check_rights_beside(
    deployment: Manifest,
    run: Manifest | None,
    credentials: Mapping[Digest, OpenedCredential],
    status_updates: StatusUpdates,
    *,
    trust: Trust,
    at: datetime,
) -> Check:
    """Return ``deployment.rights``.

    Args:
        deployment: The manifest, whose author states the result for the rights.
        run: The run that made the checkpoint; None if it is missing.
        credentials: The available credentials that the run names, by id.
        status_updates: The available status updates of their issuers.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.

    Cost: four signatures for each credential.
    """
    found = deployment.body["rights"]
    detail: dict[str, JSON] = {"stated": dict(found)}
    if run is None:
        summary = "its run, which names the rights that it rests on, is not beside it"
        return unchecked(_CHECK, "missing-file", summary, **detail)
    review = _Review(deployment, run, credentials, status_updates, trust, at)
    rights: dict[str, list[Mapping[str, Any]]] = {}
    for right in run.body["rights"]:
        rights.setdefault(right["dataset"], []).append(right)
    for recorded in rights.values():
        review.check_dataset(recorded)
    problems = review.problems
    review.check_end(found)
    used = (one for one in run.inputs if one.kind == "dataset" and one.role != "test")
    if not rights and any(used):
        problems.add(problems.bad, "none-recorded", "its run recorded no right to its data")
    if found["state"] in {"warn", "unchecked"} and found.get("reason") not in _OF_TRUST:
        text = f"whoever deployed it found of its rights: {found['state']}"
        problems.add(problems.warnings, str(found.get("reason", "noted")), text)
    if review.unbelieved:
        detail["unbelieved"] = sorted(review.unbelieved)
    if review.hidden:
        detail["credentialsLeftOut"] = listed(sorted(map(str, review.hidden)))
    if review.credentials:
        detail["credentials"] = listed(list(review.credentials.values()))
    said = _said(found["state"], list(review.credentials.values()), len(review.hidden))
    check = problems.close(said, **detail)
    return stated(_CHECK, said, **detail) if check.state is CheckState.PASS else check


def rights_in_base(base: Manifest) -> str:
    """Return a sentence on what is not proven about the rights in a base model."""
    if base.body["origin"] != "imported":  # it is of this store, and so are its own runs
        return not_proven("base-rights", base.name)
    asserted = base.body.get("rights", {}).get("asserted")
    if not asserted:
        return not_proven("unknown-rights", base.name)
    return not_proven("asserted-rights", base.name, base.author, quote(asserted, 200))


class _Source(Struct, frozen=True):
    """A dataset whose manifest is not available."""

    id: Digest
    name: str


class _Review:
    def __init__(
        self,
        deployment: Manifest,
        run: Manifest,
        credentials: Mapping[Digest, OpenedCredential],
        status_updates: StatusUpdates,
        trust: Trust,
        at: datetime,
    ) -> None:
        self.problems = Problems(_CHECK)
        self.credentials: dict[Digest, dict[str, JSON]] = {}
        self.unbelieved: set[str] = set()
        self.hidden: set[Digest] = set()
        """Credentials that are left out, so that the rights from them are only stated."""
        self._run = run
        self._at_hand = credentials
        self._notices = status_updates
        self._trust = trust
        self._at = at
        self._left = left_out(deployment)
        self._then = parse_timestamp(run.created)
        self._deployed = parse_timestamp(deployment.created)
        self._renewals = [
            LoggedDocument(identity, credentials[identity], 0)
            for identity in renewed_by(deployment)
            if identity in credentials
        ]
        self._ends: list[TermsEnd] = []

    def check_dataset(self, rights: Sequence[Mapping[str, Any]]) -> None:
        """Add the problems of the rights to one source; one valid right is enough."""
        problems = self.problems
        rulings = [(*self._judge(right), right) for right in rights]
        if all(ruling.fault for _, ruling, _ in rulings):
            label, ruling, _ = rulings[0]
            fault = ruling.fault or Reason("none-recorded", "")
            problems.add(problems.bad, fault.code, f"{label} {fault.text}")
        held = [ruling for _, ruling, _ in rulings if ruling.fault is None]
        if held and all(ruling.end for ruling in held):
            self._ends.append(max(ruling.end for ruling in held if ruling.end is not None))
        for label, ruling, _ in rulings:
            # What it was used for was permitted; till when it may be served, the folder says. What
            # has become of it since, nobody can tell from a folder: that is not proven.
            leave = {*_NO_NEWS, ENDED_LATER}
            note_ruling(problems, f"{label} ", ruling, self.unbelieved, leave)

    def check_end(self, said: Mapping[str, Any]) -> None:
        """Add the problems of the end of the rights, as the deploying user states it.

        Folders of earlier versions state no end.
        """
        problems, until = self.problems, said.get("until")
        if until is None:
            return
        end = min(self._ends, default=None)
        delete = any(one.delete for one in self._ends)
        if end is not None and parse_timestamp(until) > end.at:
            # ATTACK: whoever serves it signs that the rights go on for longer than they do.
            text = f"says that its rights end at {until}, not at {format_timestamp(end.at)}"
            problems.add(problems.bad, "disagrees", text)
        elif delete and not said["deleteOnExpiry"]:
            text = "does not say that data has to be deleted when its rights end"
            problems.add(problems.bad, "disagrees", text)
        if self._at > parse_timestamp(until):
            more = ", and some of the data had to be deleted" if said["deleteOnExpiry"] else ""
            problems.add(problems.warnings, ENDED_LATER, f"its rights ended at {until}{more}")

    def _judge(self, right: Mapping[str, Any]) -> tuple[str, Ruling]:
        named = [Digest.parse(right[name]) for name in ("credential", "grant") if name in right]
        label = f"{'grant' if 'grant' in right else 'credential'} {named[-1].short}"
        if hidden := self._left & set(named):
            self.hidden |= hidden
            return label, self._stated(right["issuer"])
        opened = [self._at_hand.get(identity) for identity in named]
        documents = [
            LoggedDocument(identity, one, 0)
            for identity, one in zip(named, opened, strict=True)
            if one is not None
        ]
        if len(documents) < len(named):
            text = "or what it rests on, is not beside it"
            return label, Ruling(open=(Reason("missing-file", text),))
        terms = documents[0]
        then = check_credential(
            terms.opened, trust=self._trust, at=self._then, status_updates=self._notices
        )
        proof = then.check("proof")
        if then.claims is not None and proof.state is CheckState.UNCHECKED:
            return label, Ruling(open=(Reason(str(proof.detail["reason"]), proof.summary),))
        if then.claims is None or not then.signature_valid:
            return label, Ruling(Reason("unsound", "does not hold"))
        return label, self._ruling(right, documents, then.claims)

    def _stated(self, issuer: str) -> Ruling:
        # ATTACK: credentials by nobody are left out, so that nobody asks who gave them.
        if self._trust.knows(issuer) is not None:
            return Ruling(issuer=issuer)
        text = f"is left out, and by {issuer}, whom your trust file does not name"
        return Ruling(unbelieved=Reason("unknown-issuer", text), issuer=issuer)

    def _ruling(
        self, right: Mapping[str, Any], documents: Sequence[LoggedDocument], claims: Claims
    ) -> Ruling:
        terms, stated = claims.terms, tuple(one.name for one in claims.terms.partitions)
        names = tuple(right.get("partitions", stated))
        # ATTACK: partitions that the terms do not have, of which nothing is prohibited.
        if not names or not set(names) <= set(stated):
            return Ruling(Reason("disagrees", "has other partitions than the run recorded"))
        self._note(documents[0], claims, names)
        dataset = Digest.parse(right["dataset"])
        own = claims.store == self._run.store  # of an import, the publisher's own version
        try:
            use = Use.of_run(self._run.body, self._then)
        except FormatError as error:
            return Ruling(Reason(error.kind, quote(error.message, 200)))
        request = Request(
            _Source(dataset, claims.name),
            Published(dataset if own else claims.manifest, claims.tree, claims.name, claims.store),
            use,
            lambda _: PartitionsUsed(tuple(one.name for one in terms.named(names))),
            self._run.author,
            self._trust,
            self._notices,
            now=(self._at, self._notices),
        )
        ruling = judge(
            RightCandidate(documents[0], documents[1] if len(documents) > 1 else None), request
        )
        if ruling.fault is None and ruling.issuer != right["issuer"]:
            return Ruling(Reason("other-issuer", "has another issuer than recorded"))
        if ruling.fault is not None:
            return ruling
        return replace(ruling, end=self._end_of(ruling, request, names))

    def _end_of(self, ruling: Ruling, request: Request, names: Sequence[str]) -> TermsEnd | None:
        """Return the end of a right, and what had renewed it when the folder was made."""

        def used(terms: Terms) -> PartitionsUsed:
            there = tuple(one.name for one in terms.partitions)
            return PartitionsUsed(tuple(names) if set(names) <= set(there) else there)

        use = replace(request.use, at=self._deployed)
        wanted = replace(request, use=use, used=used, now=None)
        ends = [ruling.end]
        grants = [one for one in self._renewals if one.opened.kind is GRANT]
        for terms in self._renewals:
            for grant in (None, *grants):
                found = judge(RightCandidate(terms, grant), wanted)
                known = found.unbelieved is None or found.issuer == ruling.issuer
                if found.fault is None and known:
                    ends.append(found.end)
        return None if None in ends else max(one for one in ends if one is not None)

    def _note(self, terms: LoggedDocument, claims: Claims, names: Sequence[str]) -> None:
        used = Terms(claims.terms.named(names))
        until = (terms.opened.document or {}).get("validUntil")
        self.credentials[terms.id] = {
            "credential": str(terms.id),
            "issuer": terms.opened.issuer or "",
            "dataset": claims.name,
            "permits": sorted(used.permits),
            "requires": sorted(used.requires),
            **({"validUntil": until} if isinstance(until, str) else {}),
        }


def _said(state: str, found: list[dict[str, JSON]], hidden: int) -> str:
    """Return the folder's statement of its rights, for people."""
    duties = sorted({str(word) for one in found for word in _words(one["requires"])})
    by = sorted({str(one["issuer"]) for one in found})
    parts = [f"whoever deployed it found its rights: {state}"]
    if found:
        count = pluralize(len(found), "credential")
        parts.append(f"{count} beside it, by {quote(', '.join(by), 300)}")
    if hidden:
        count = pluralize(hidden, "credential")
        parts.append(f"{count} that may name values of the data left out: what they gave is stated")
    if duties:
        parts.append(f"duties: {quote(', '.join(duties), 300)}")
    elif not hidden:
        parts.append("no duties are named")
    return "; ".join(parts) + "; NOTICE has all of them"


def _words(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []
