"""Whether those who trained were allowed to: use rights again (spec/11-verification.md §7.2).

Default deny. Every dataset that was not made from datasets needs a credential, logged before the
run, by an issuer the verifier believes, that permits the run's purpose; derived datasets inherit
the intersection. A licence identifier alone permits nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.ancestry import Problems
from lyrikstore.credentials.credentialcheck import check_credential
from lyrikstore.credentials.issuercheck import is_named_by_a_copy_alone
from lyrikstore.credentials.licensed import Published, judge_grant, published
from lyrikstore.credentials.report import Check, CheckState, not_applicable, quote
from lyrikstore.credentials.statuscheck import Notices, logged_notices
from lyrikstore.credentials.terms.model import Answer, Terms, Use
from lyrikstore.credentials.terms.usage import partitions_used
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifest import Manifest
from lyrikstore.history.repository import Repository


def sources_of(
    start: Manifest, ancestry: Mapping[Digest, Manifest]
) -> tuple[list[Manifest], list[Digest]]:
    """Return the datasets at the roots of ``start``: those with no dataset inputs.

    Args:
        start: A run, dataset or checkpoint.
        ancestry: Manifests by id, at least those ``start`` was made from.

    Returns:
        The source datasets in the order they are reached, and the ids of datasets that are not in
        ``ancestry``: what cannot be followed is never taken for permitted.
    """
    sources: list[Manifest] = []
    absent: list[Digest] = []
    seen: set[Digest] = set()
    pending = [item.id for item in start.inputs if item.kind == "dataset"]
    while pending:
        identity = pending.pop(0)
        if identity in seen:
            continue
        seen.add(identity)
        manifest = ancestry.get(identity)
        if manifest is None:
            absent.append(identity)
            continue
        inner = [item.id for item in manifest.inputs if item.kind == "dataset"]
        if not inner:
            sources.append(manifest)
        pending += inner
    return sources, absent


def check_rights(
    repository: Repository,
    ancestry: Mapping[Digest, Manifest],
    *,
    trust: Trust,
    at: datetime,
) -> Check:
    """Return ``rights``: whether every run in ``ancestry`` had the use rights it recorded.

    Args:
        repository: The store, which holds the credentials.
        ancestry: The manifests in question.
        trust: Whom the verifier believes now.
        at: The moment of verification; rights themselves are judged for the run's claimed time,
            bounded by the log: the credential stands before the run in it.
    """
    runs = [manifest for manifest in ancestry.values() if manifest.kind == "run"]
    if not runs:
        return not_applicable("rights", "no run in its ancestry")
    problems = Problems("rights")
    judge = _Judge(repository, ancestry, trust, at, problems, logged_notices(repository))
    count = 0
    for run in runs:
        sources, absent = sources_of(run, ancestry)
        label = f"{run.name} ({run.id.short})"
        judge.problems.lost += (
            f"{label}: dataset {item.short} cannot be followed" for item in absent
        )
        for source in sources:
            count += 1
            judge.check_source(run, source, f"{label}: {source.name}")
    purposes = ", ".join(sorted({quote(run.body["purpose"]) for run in runs}))
    return judge.problems.close(f"{count} rights to {purposes} hold", rights=count)


@dataclass(frozen=True, slots=True)
class _Judge:
    repository: Repository
    ancestry: Mapping[Digest, Manifest]
    trust: Trust
    at: datetime
    problems: Problems
    notices: Notices

    def check_source(self, run: Manifest, source: Manifest, label: str) -> None:
        recorded = [right for right in run.body["rights"] if right["dataset"] == str(source.id)]
        faults = ["the run recorded no right to use it"]
        if recorded:
            faults = [self._fault(run, source, right, label) for right in recorded]
        if all(faults):
            self.problems.bad.append(f"{label}: {faults[0]}")

    def _fault(self, run: Manifest, source: Manifest, right: Mapping[str, str], label: str) -> str:
        """Return why one recorded right does not hold, or an empty string if it does."""
        try:
            about = published(self.repository, source)
        except LyrikstoreError as error:
            return f"the import {source.id.short} says not whose it is: {error.message}"
        if "grant" in right:
            return self._grant_fault(run, source, about, right, label)
        identity = Digest.parse(right["credential"])
        what = f"credential {identity.short}"
        try:
            data = self.repository.credential(identity)
        except LyrikstoreError:
            return f"{what} is not here"
        if self.repository.index_of(identity, "credential") >= self.repository.index_of(run.id):
            return f"{what} was logged after the run"
        if self._is_suspect(identity, data):
            return f"{what} is by a key that was compromised when it was logged"
        then = parse_timestamp(run.created)
        outcome = check_credential(data, trust=self.trust, at=then, notices=self.notices)
        checks = {check.id: check for check in outcome.checks}
        claims = outcome.claims
        if not outcome.genuine or claims is None:
            return f"{what} does not hold"
        if claims.manifest != about.manifest or claims.tree != about.tree:
            return f"{what} is about something else"  # attack case A44
        if outcome.issuer != right["issuer"]:
            return f"{what} has another issuer than recorded"
        if checks["period"].state is not CheckState.PASS:
            return f"{what} was not in force: {checks['period'].summary}"
        try:
            use = Use.of_run(run.body, then)
        except FormatError as error:
            return error.message
        answer, reason = claims.terms.judge(use, self._partitions(run, source, claims.terms))
        if answer is not Answer.PERMITTED:
            return f"{what} does not permit it ({quote(reason, 300)})"
        if checks["status"].state is CheckState.FAIL:
            return f"{what} was {checks['status'].detail['reason']} before the run"
        if checks["status"].state is CheckState.UNCHECKED:
            self.problems.lost.append(f"{label}: {checks['status'].summary}")
        since = check_credential(data, trust=self.trust, at=self.at, notices=self.notices)
        if {check.id: check for check in since.checks}["status"].state is CheckState.FAIL:
            self.problems.odd.append(f"{label}: {what} was taken back after the run")
        believed = self.trust.matches(
            right["issuer"], role="publisher", name=about.name, store=about.store, at=self.at
        )
        copied = is_named_by_a_copy_alone(checks["issuer.document"])
        self._note_unbelieved(right, label, believed=believed is not None, copied=copied)
        return ""

    def _note_unbelieved(
        self, right: Mapping[str, str], label: str, *, believed: bool, copied: bool
    ) -> None:
        issuer = right["issuer"]
        if not believed:
            self.problems.odd.append(f"{label}: permitted by {issuer}, whom you do not trust")
        elif copied:
            self.problems.odd.append(
                f"{label}: permitted by {issuer}, as a document that was taken in with it says"
            )

    def _is_suspect(self, identity: Digest, data: bytes) -> bool:
        try:
            return self.repository.is_suspect(
                data, self.repository.index_of(identity, "credential")
            )
        except LyrikstoreError:  # the policies cannot be read: what cannot be shown is not so
            return True

    def _grant_fault(
        self,
        run: Manifest,
        source: Manifest,
        about: Published,
        right: Mapping[str, str],
        label: str,
    ) -> str:
        identity, terms_id = Digest.parse(right["grant"]), Digest.parse(right["credential"])
        what = f"grant {identity.short}"
        try:
            data = self.repository.credential(identity)
            terms = self.repository.credential(terms_id)
        except LyrikstoreError:
            return f"{what}, or the credential it rests on, is not here"
        logged = [self.repository.index_of(one, "credential") for one in (identity, terms_id)]
        if max(logged) >= self.repository.index_of(run.id):
            return f"{what}, or the credential it rests on, was logged after the run"
        if self._is_suspect(identity, data) or self._is_suspect(terms_id, terms):
            return f"{what}, or what it rests on, is by a key that was compromised by then"
        try:
            use = Use.of_run(run.body, parse_timestamp(run.created))
        except FormatError as error:
            return error.message
        found, since = (
            judge_grant(
                data,
                terms,
                about,
                replace(use, at=at),
                lambda stated: self._partitions(run, source, stated),
                holder=run.author,
                trust=self.trust,
                notices=self.notices,
            )
            for at in (use.at, self.at)
        )
        if found.fault:
            return f"{what}: {found.fault}"
        if found.outcome.envelope.issuer != right["issuer"]:
            return f"{what} has another issuer than recorded"
        for name in ("status", "grant.terms"):
            if found.check(name).state is CheckState.UNCHECKED:
                self.problems.lost.append(f"{label}: {found.check(name).summary}")
        if since.check("status").state is CheckState.FAIL:
            self.problems.odd.append(f"{label}: {what} was taken back after the run")
        believed = since.check("trust.issuer").state is CheckState.PASS
        copied = is_named_by_a_copy_alone(since.check("issuer.document"))
        self._note_unbelieved(right, label, believed=believed, copied=copied)
        return ""

    def _partitions(self, run: Manifest, source: Manifest, terms: Terms) -> tuple[str, ...]:
        used = [
            self.ancestry[item.id]
            for item in run.inputs
            if item.kind == "dataset" and item.id in self.ancestry
        ]
        return partitions_used(
            terms,
            source,
            used,
            manifest_of=self.ancestry.__getitem__,
            tree_of=self.repository.tree,
        )
