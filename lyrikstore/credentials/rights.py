"""Whether those who used data were allowed to: use rights again (spec §11.7.2).

Default deny. Every dataset that was not made from datasets needs a credential, logged before the
run or evaluation, by an issuer the verifier believes, that permits the use; derived datasets
inherit the intersection. A licence identifier alone permits nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.grammar import counted
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


class _Use(Struct, frozen=True):
    """What used data: a run, or the evaluation of what a run made.

    Attributes:
        manifest: The run or evaluation.
        config: Of the run, which declares the use.
        datasets: Ids of the datasets that it used by the rights it recorded.
    """

    manifest: Manifest
    config: Mapping[str, Any]
    datasets: tuple[Digest, ...]

    def at(self, moment: datetime) -> Use:
        """Return it as what terms are asked about; raises FormatError as :meth:`Use.of_run`."""
        if self.manifest.kind == "run":
            return Use.of_run(self.manifest.body, moment)
        return Use.of_evaluation(self.config, moment)

    @property
    def acts(self) -> str:
        words = ("train", self.manifest.body["purpose"]) if self.kind == "run" else ("evaluate",)
        return " and ".join(map(quote, dict.fromkeys(words)))

    @property
    def label(self) -> str:
        return f"{self.manifest.name} ({self.manifest.id.short})"

    @property
    def kind(self) -> str:
        return self.manifest.kind


def sources_of(
    datasets: Iterable[Digest], ancestry: Mapping[Digest, Manifest]
) -> tuple[list[Manifest], list[Digest]]:
    """Return the datasets at the roots of ``datasets``: those with no dataset inputs.

    Args:
        datasets: Ids of datasets.
        ancestry: Manifests by id, at least those that the datasets were made from.

    Returns:
        The source datasets in the order they are reached, and the ids of datasets that are not in
        ``ancestry``: what cannot be followed is never taken for permitted.
    """
    sources: list[Manifest] = []
    absent: list[Digest] = []
    seen: set[Digest] = set()
    pending = list(datasets)
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
    """Return ``rights``: whether every use of data in ``ancestry`` had the rights it recorded.

    Args:
        repository: The store, which holds the credentials.
        ancestry: The manifests in question.
        trust: Whom the verifier believes now.
        at: The moment of verification; rights themselves are judged for the time that the run or
            evaluation claims, bounded by the log: the credential stands before it in it.
    """
    problems = Problems("rights")
    uses = list(_uses(ancestry, problems))
    if not uses and not problems.lost:
        return not_applicable("rights", "no run and no evaluation in its ancestry")
    judge = _Judge(repository, ancestry, trust, at, problems, logged_notices(repository))
    count = 0
    for use in uses:
        sources, absent = sources_of(use.datasets, ancestry)
        judge.problems.lost += (
            f"{use.label}: dataset {item.short} cannot be followed" for item in absent
        )
        for source in sources:
            count += 1
            judge.check_source(use, source, f"{use.label}: {source.name}")
    purposes = ", ".join(sorted({use.acts for use in uses}))
    return judge.problems.close(
        counted(count, f"right to {purposes} holds", f"rights to {purposes} hold"), rights=count
    )


def _uses(ancestry: Mapping[Digest, Manifest], problems: Problems) -> Iterator[_Use]:
    for manifest in ancestry.values():
        if manifest.kind == "run":
            used = tuple(item.id for item in manifest.inputs if item.kind == "dataset")
            yield _Use(manifest, manifest.body["config"], used)
        elif manifest.kind == "evaluation":
            use = _evaluation(manifest, ancestry)
            if isinstance(use, str):
                problems.lost.append(f"{manifest.name} ({manifest.id.short}): {use}")
            else:
                yield use


def _evaluation(evaluation: Manifest, ancestry: Mapping[Digest, Manifest]) -> _Use | str:
    """Return the use of the test data, or why that cannot be told."""
    if "rights" not in evaluation.body:
        return "it records no rights to its test data, as evaluations once did not"
    checkpoint = ancestry.get(evaluation.inputs_in("checkpoint")[0].id)
    if checkpoint is None:
        return "its checkpoint cannot be followed"
    config: Any = {}
    if checkpoint.body["origin"] == "trained":  # what the run declared holds for its measuring too
        run = ancestry.get(checkpoint.inputs_in("run")[0].id)
        if run is None:
            return "the run of its checkpoint cannot be followed"
        config = run.body["config"]
    tests = tuple(item.id for item in evaluation.inputs_in("test"))
    return _Use(evaluation, config, tests)


class _Judge(Struct, frozen=True):
    repository: Repository
    ancestry: Mapping[Digest, Manifest]
    trust: Trust
    at: datetime
    problems: Problems
    notices: Notices

    def check_source(self, use: _Use, source: Manifest, label: str) -> None:
        recorded = [
            right for right in use.manifest.body["rights"] if right["dataset"] == str(source.id)
        ]
        faults = [f"the {use.kind} recorded no right to use it"]
        if recorded:
            faults = [self._fault(use, source, right, label) for right in recorded]
        if all(faults):
            self.problems.bad.append(f"{label}: {faults[0]}")

    def _fault(self, use: _Use, source: Manifest, right: Mapping[str, str], label: str) -> str:
        """Return why one recorded right does not hold, or an empty string if it does."""
        try:
            about = published(self.repository, source)
        except LyrikstoreError as error:
            return f"the import {source.id.short} says not whose it is: {error.message}"
        if "grant" in right:
            return self._grant_fault(use, source, about, right, label)
        identity = Digest.parse(right["credential"])
        what = f"credential {identity.short}"
        try:
            data = self.repository.credential(identity)
        except LyrikstoreError:
            return f"{what} is not here"
        if self.repository.index_of(identity, "credential") >= self.repository.index_of(
            use.manifest.id
        ):
            return f"{what} was logged after the {use.kind}"
        if self._is_suspect(identity, data):
            return f"{what} is by a key that was compromised when it was logged"
        then = parse_timestamp(use.manifest.created)
        outcome = check_credential(data, trust=self.trust, at=then, notices=self.notices)
        checks = {check.id: check for check in outcome.checks}
        claims = outcome.claims
        if not outcome.genuine or claims is None:
            return f"{what} does not hold"
        if not about.is_meant(claims):
            return f"{what} is about something else"  # attack case A44
        if outcome.issuer != right["issuer"]:
            return f"{what} has another issuer than recorded"
        if checks["period"].state is not CheckState.PASS:
            return f"{what} was not in force: {checks['period'].summary}"
        if checks["trust.allowed"].state is CheckState.FAIL:
            return f"{what} does not count: {checks['trust.allowed'].summary}"
        try:
            wanted = use.at(then)
        except FormatError as error:
            return error.message
        answer, reason = claims.terms.judge(wanted, self._partitions(use, source, claims.terms))
        if answer is not Answer.PERMITTED:
            return f"{what} does not permit it ({quote(reason, 300)})"
        if checks["status"].state is CheckState.FAIL:
            return f"{what} was {checks['status'].detail['reason']} before the {use.kind}"
        if checks["status"].state is CheckState.UNCHECKED:
            self.problems.lost.append(f"{label}: {checks['status'].summary}")
        key = outcome.check_key(self.notices)
        if key.state is CheckState.FAIL:
            return f"{what} does not count: {key.summary}"
        if key.state is CheckState.UNCHECKED:
            self.problems.lost.append(f"{label}: {key.summary}")
        since = check_credential(data, trust=self.trust, at=self.at, notices=self.notices)
        if since.check("status").state is CheckState.FAIL:  # a claimed date proves no order
            said = f"{what} was taken back; the {use.kind} says it is from before that"
            self.problems.odd.append(f"{label}: {said}")
        believed = since.check("trust.issuer").state is CheckState.PASS
        copied = is_named_by_a_copy_alone(checks["issuer.document"])
        self._note_unbelieved(right, label, believed=believed, copied=copied)
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
        use: _Use,
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
        if max(logged) >= self.repository.index_of(use.manifest.id):
            return f"{what}, or the credential it rests on, was logged after the {use.kind}"
        if self._is_suspect(identity, data) or self._is_suspect(terms_id, terms):
            return f"{what}, or what it rests on, is by a key that was compromised by then"
        try:
            wanted = use.at(parse_timestamp(use.manifest.created))
        except FormatError as error:
            return error.message
        found, since = (
            judge_grant(
                data,
                terms,
                about,
                replace(wanted, at=at),
                lambda stated: self._partitions(use, source, stated),
                holder=use.manifest.author,
                trust=self.trust,
                notices=self.notices,
            )
            for at in (wanted.at, self.at)
        )
        if found.fault:
            return f"{what}: {found.fault}"
        if found.outcome.envelope.issuer != right["issuer"]:
            return f"{what} has another issuer than recorded"
        for name in ("issuer.key", "status", "grant.terms"):
            if found.check(name).state is CheckState.UNCHECKED:
                self.problems.lost.append(f"{label}: {found.check(name).summary}")
        if found.grant is not None and found.check("grant.holder").state is CheckState.UNCHECKED:
            self.problems.lost.append(
                f"{label}: {what} is for {found.grant.holder}; you pinned no document of that "
                f"organisation, which would list the key of the {use.kind}"
            )
        if since.check("status").state is CheckState.FAIL:  # a claimed date proves no order
            said = f"{what} was taken back; the {use.kind} says it is from before that"
            self.problems.odd.append(f"{label}: {said}")
        believed = since.check("trust.issuer").state is CheckState.PASS
        copied = is_named_by_a_copy_alone(since.check("issuer.document"))
        self._note_unbelieved(right, label, believed=believed, copied=copied)
        return ""

    def _partitions(self, use: _Use, source: Manifest, terms: Terms) -> tuple[str, ...]:
        used = [self.ancestry[item] for item in use.datasets if item in self.ancestry]
        return partitions_used(
            terms,
            source,
            used,
            manifest_of=self.ancestry.__getitem__,
            tree_of=self.repository.tree,
        )
