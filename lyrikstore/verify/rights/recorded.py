"""Checks whether recorded uses of data had the rights that they recorded (spec §11.7.2).

Default deny. Every dataset that was not made from datasets needs a credential that permits the use,
logged before the run or evaluation, by an issuer whom the verifier trusts. Derived datasets inherit
the intersection of these rights, and so do models. A licence identifier alone permits nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError, NotFoundError
from lyrikstore.canon.quoting import listed, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.terms.usage import RowsHeld, partitions_used
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.lineage import Lineage, Node, RightsClosure
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.status import LoggedStatusUpdates
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable
from lyrikstore.verify.rights.afterwards import Afterwards
from lyrikstore.verify.rights.freed import RecordedWithout, SourcesHeld
from lyrikstore.verify.rights.grants import Published, published
from lyrikstore.verify.rights.judge import (
    ENDED_LATER,
    REVOKED_LATER,
    LoggedDocument,
    Reason,
    Request,
    RightCandidate,
    Ruling,
    judge,
    note_ruling,
)
from lyrikstore.verify.rights.search import find_right

_ORDER = {REVOKED_LATER: 0, "base-not-permitted": 1, ENDED_LATER: 2, "base-not-recorded": 4}
"""Order of reasons, the most serious first: a prohibited use before an unknown issuer."""


class _Use(Struct, frozen=True):
    """A use of data: a run, or an evaluation of a checkpoint that a run made.

    Attributes:
        manifest: The run or evaluation.
        config: Config of the run, which declares the use.
        used: Ids of the datasets and the base model that it used by the rights it recorded.
        models: The checkpoints that rest on it, or that it measured.
        measures: Whether it only measured with the data: an evaluation; or the data with which the
            data of a run was compared, and of which that contains nothing.
    """

    manifest: Manifest
    config: Mapping[str, Any]
    used: tuple[Digest, ...]
    models: tuple[Manifest, ...] = ()
    measures: bool = False

    def at(self, moment: datetime) -> Use:
        """Return the use as terms judge it; raises FormatError as :meth:`Use.of_run`."""
        if self.measures:
            return Use.of_evaluation(self.config, moment)
        return Use.of_run(self.manifest.body, moment)

    @property
    def acts(self) -> str:
        words = ("evaluate",) if self.measures else ("train", self.manifest.body["purpose"])
        return " and ".join(map(quote, dict.fromkeys(words)))

    @property
    def label(self) -> str:
        return f"{self.manifest.name} ({self.manifest.id.short}){self._for}"

    @property
    def _for(self) -> str:
        shown = ", ".join(f"{one.name} ({one.id.short})" for one in self.models[:3])
        more = f" and {len(self.models) - 3} more" if len(self.models) > 3 else ""
        return f", which {shown}{more} rests on" if shown and self.kind == "run" else ""

    @property
    def kind(self) -> str:
        return self.manifest.kind


def check_rights(
    repository: Repository,
    ancestry: Lineage,
    *,
    trust: Trust,
    at: datetime,
    of_models: bool = False,
) -> Check:
    """Return ``rights``: whether every use of data in ``ancestry`` had the rights it recorded.

    Args:
        repository: The store, which holds the credentials.
        ancestry: The manifests in question.
        trust: The keys that the verifier trusts now.
        at: The moment of verification. Rights are judged by the log entries before the run or
            evaluation, for the time that it claims; never for a moment before the clock floor of
            the log.
        of_models: Omit runs without a checkpoint in ``ancestry``: they produced nothing there.

    Returns:
        The check; ``detail.models`` has the ids of checkpoints with a right that does not hold,
        cannot be checked, was revoked or has ended; ``detail.reasons`` the codes of all
        problems, ``detail.until`` when the first of the rights ends.
    """
    problems = Problems("rights")
    uses = [
        use for use in _uses(ancestry, problems) if use.models or use.kind != "run" or not of_models
    ]
    if not uses and not problems.lost:
        return not_applicable("rights", "no run and no evaluation in its ancestry")
    try:
        at = max(at, repository.floor())
    except LyrikstoreError as error:  # a manifest is lost: perhaps the policy that says who counts
        problems.note("what the log says of time", error)
        return problems.close("")
    status_updates = repository.derived(LoggedStatusUpdates)
    for index, unread in status_updates.unread:
        # ATTACK: whoever holds the store damages the list that takes a right back.
        text = f"log entry {index} cannot be read, and may take a right back: {unread.message}"
        problems.add(problems.lost, "unread-notice", text)
    rows = RowsHeld(repository.blobs.open)
    since = Afterwards(repository, status_updates, at)
    followed = ancestry.with_nodes(_without_effect(repository, ancestry))
    held = SourcesHeld(followed, repository.tree, repository.blobs.open)
    without = RecordedWithout(held, followed)
    review = _Review(
        repository, ancestry, trust, at, problems, status_updates, rows, since, without
    )
    count = 0
    named: dict[Digest, None] = {}
    for use in uses:
        before = problems.count
        rests_on = followed.rests_on(use.used)
        for item in rests_on.absent:
            problems.add(problems.lost, "absent", f"{use.label}: {item.short} cannot be followed")
        for source in rests_on.sources:
            if not without.is_so(use.manifest, rests_on.datasets, source):
                count += 1
                review.check_source(use, rests_on, source)
        if problems.count > before:
            named.update((one.id, None) for one in use.models)
    for use in {use.manifest.id: use for use in uses}.values():
        for text in without.faults(use.manifest):
            label = f"{use.manifest.name} ({use.manifest.id.short})"
            problems.add(problems.bad, "not-freed", f"{label}: {text}")
            named.update((one.id, None) for one in use.models)
    problems.warnings.sort(key=lambda one: _ORDER.get(problems.codes[one], 3))
    purposes = ", ".join(sorted({use.acts for use in uses}))
    summary = pluralize(count, f"right to {purposes} holds", f"rights to {purposes} hold")
    unknown = {"unbelieved": sorted(review.unbelieved)} if review.unbelieved else {}
    models = {"models": listed([str(one) for one in named])} if named else {}
    # One that cannot be checked must not hide another that is known not to be permitted.
    reasons = {"reasons": sorted({*problems.codes.values()})} if problems.codes else {}
    freed = {"without": listed(without.names)} if without.names else {}
    if freed:
        more = f" and {len(without.names) - 3} more" if len(without.names) > 3 else ""
        summary += f"; no record of {', '.join(map(quote, without.names[:3]))}{more} is used"
    found = {**unknown, **models, **reasons, **freed, **review.since.to_detail()}
    return problems.close(summary, rights=count, **found)


def _without_effect(repository: Repository, ancestry: Lineage) -> Iterator[Node]:
    """Yield the models and runs without effect: objects made from them still rest on their data."""
    with suppress(LyrikstoreError):  # what is left out cannot be followed
        for one in repository.flagged:
            if one.reason != "invalid" and one.id not in ancestry:
                manifest = repository.manifest(one.id)
                if manifest.kind in {"checkpoint", "run"}:
                    yield Node(manifest, one.index)


def reasons_of(rights: Check) -> frozenset[str]:
    """Return the codes of all problems of a check ``rights``, not only of the deciding one."""
    found = rights.detail.get("reasons", ())
    return frozenset(map(str, found)) if isinstance(found, Sequence) else frozenset()


def _uses(ancestry: Lineage, problems: Problems) -> Iterator[_Use]:
    models = _models(ancestry)
    for manifest in ancestry.values():
        if manifest.kind == "run":
            # It does not read its test set, which only names what will be measured on.
            used = tuple(
                item.id
                for item in manifest.inputs
                if item.kind == "checkpoint" or (item.kind == "dataset" and item.role != "test")
            )
            use = _Use(manifest, manifest.body["config"], used, tuple(models.get(manifest.id, ())))
            yield use
            if compared := ancestry.compared_with(used):
                yield replace(use, used=compared, measures=True)
        elif manifest.kind == "evaluation":
            found = _evaluation(manifest, ancestry)
            if isinstance(found, Reason):
                label = f"{manifest.name} ({manifest.id.short})"
                problems.add(problems.lost, found.code, f"{label}: {found.text}")
            else:
                yield found


def _evaluation(evaluation: Manifest, ancestry: Lineage) -> _Use | Reason:
    """Return the use of the test data, or the reason why it cannot be known."""
    if "rights" not in evaluation.body:
        text = "it records no rights to its test data, as evaluations once did not"
        return Reason("none-recorded", text)
    checkpoint = ancestry.get(evaluation.inputs_in("checkpoint")[0].id)
    if checkpoint is None:
        return Reason("absent", "its checkpoint cannot be followed")
    config: Any = {}
    if checkpoint.inputs_in("run"):  # what the run declared holds for its measuring too
        run = ancestry.get(checkpoint.inputs_in("run")[0].id)
        if run is None:
            return Reason("absent", "the run of its checkpoint cannot be followed")
        config = run.body["config"]
    tests = tuple(item.id for item in evaluation.inputs_in("test"))
    used = tuple(dict.fromkeys((*tests, *ancestry.compared_with(tests))))
    return _Use(evaluation, config, used, (checkpoint,), measures=True)


def _models(ancestry: Lineage) -> dict[Digest, list[Manifest]]:
    """Return the checkpoints that rest on each run: made by it, or made from such a checkpoint."""
    found: dict[Digest, list[Manifest]] = {}
    for run in ancestry.of_kind("run"):
        seen: dict[Digest, Manifest] = {}
        pending = [run.id]
        while pending:
            for user in ancestry.users.get(pending.pop(), ()):
                if user.id not in seen and user.kind in {"checkpoint", "run"}:
                    seen[user.id] = user
                    pending.append(user.id)
        found[run.id] = [one for one in seen.values() if one.kind == "checkpoint"]
    return found


def _is_sound(found: tuple[str, Ruling]) -> bool:
    return not found[1].fault and not found[1].open


class _Review(Struct, frozen=True):
    repository: Repository
    ancestry: Lineage
    trust: Trust
    at: datetime
    problems: Problems
    status_updates: LoggedStatusUpdates
    rows: RowsHeld
    since: Afterwards
    without: RecordedWithout
    unbelieved: set[str] = field(default_factory=set)

    def check_source(self, use: _Use, rests_on: RightsClosure, source: Manifest) -> None:
        """Add the problems of the rights to one source, unless one of the rights holds."""
        label, problems = f"{use.label}: {source.name}{rests_on.way_to(source)}", self.problems
        recorded = [
            right for right in use.manifest.body["rights"] if right["dataset"] == str(source.id)
        ]
        rulings = [self._judge(use, rests_on.datasets, source, one) for one in recorded]
        faulty = all(ruling.fault for _, ruling in rulings)
        if faulty and (unsure := self.without.unsure(use.manifest, rests_on.datasets, source)):
            text = f"{use.label}: {unsure.unsure(source.name)}"
            if unsure.left_out:
                problems.left_out.append(text)
            else:
                problems.add(problems.lost, "absent", text)
            return
        if source.id in rests_on.through:
            # A right to what the run was compared with, where it has that too, is another matter.
            if faulty and (not recorded or self._compared(use, source)):
                self._check_unrecorded(use, rests_on, source, label)
                return
        elif not any(map(_is_sound, rulings)):
            # Earlier versions asked for what the run read itself: that decides as it always did.
            own = [one for one in rests_on.datasets if one.id in use.used]
            alone = rulings
            if len(own) < len(rests_on.datasets):
                alone = [self._judge(use, own, source, one) for one in recorded]
            if any(map(_is_sound, alone)):
                what, ruling = rulings[0]
                reason = ruling.fault or ruling.open[0]
                text = f"{label}, as far as a model learned from it: {what}{reason.text}"
                problems.add(problems.warnings, "base-not-permitted", text)
            rulings = alone
        if all(ruling.fault for _, ruling in rulings):
            what, fault = "", Reason("none-recorded", f"the {use.kind} recorded no right to use it")
            if rulings:
                what, ruling = rulings[0]
                fault = ruling.fault or fault
            problems.add(problems.bad, fault.code, f"{label}: {what}{fault.text}")
        for what, ruling in rulings:
            note_ruling(problems, f"{label}: {what}", ruling, self.unbelieved)
        self.since.note_end([ruling for _, ruling in rulings])

    def _check_unrecorded(
        self, use: _Use, rests_on: RightsClosure, source: Manifest, label: str
    ) -> None:
        """Add that no right to a model's training data was recorded, and whether one was logged."""
        problems, what = self.problems, f"{label}: the {use.kind} recorded no right to use it"
        try:
            about = published(self.repository, source)
            request = self._request(use, rests_on.datasets, source, about)
            found = find_right(self.repository, request)
        except LyrikstoreError as error:
            problems.add(problems.warnings, "base-not-permitted", f"{what}; {error.message}")
            return
        if found.given is None:
            text = f"{what}, and had none: {found.why.text}"
            problems.add(problems.warnings, "base-not-permitted", text)
            return
        candidate, ruling = found.given
        problems.add(
            problems.warnings, "base-not-recorded", f"{what}, which {candidate.label} gave"
        )
        ruling = self.since.of(candidate, ruling, request)
        note_ruling(problems, f"{label}: {candidate.label} ", ruling, self.unbelieved)
        self.since.note_end([ruling])

    def _compared(self, use: _Use, source: Manifest) -> bool:
        compared = self.ancestry.compared_with(use.used)
        return source in self.ancestry.rests_on(compared).sources

    def _request(
        self, use: _Use, datasets: Sequence[Manifest], source: Manifest, about: Published
    ) -> Request:
        """Return the request for one source; raises FormatError as :meth:`_Use.at`."""
        index = self.repository.index_of(use.manifest.id)
        # ATTACK: a clock set back to before a licence ran out. What was logged before says when.
        then = max(parse_timestamp(use.manifest.created), self.repository.floor(index))
        used = partial(
            partitions_used,
            source=source,
            datasets=datasets,
            lineage=self.ancestry,
            tree_of=self.repository.tree,
            rows=self.rows,
        )
        return Request(
            source,
            about,
            use.at(then),
            used,
            use.manifest.author,
            self.trust,
            self.status_updates.before(index),
            index,
            (self.at, self.status_updates.all),
        )

    def _judge(
        self,
        use: _Use,
        datasets: Sequence[Manifest],
        source: Manifest,
        right: Mapping[str, str],
    ) -> tuple[str, Ruling]:
        """Return the label of one recorded right, and the ruling on it."""
        try:
            about = published(self.repository, source)
        except LyrikstoreError as error:
            return "", Ruling(Reason(error.kind, f"it says not whose it is: {error.message}"))
        named = [Digest.parse(right[name]) for name in ("grant", "credential") if name in right]
        what = f"{'grant' if 'grant' in right else 'credential'} {named[0].short} "
        try:
            documents = [LoggedDocument.read(self.repository, identity) for identity in named]
        except NotFoundError:
            return what, Ruling(Reason("not-logged", "or what it rests on, is not here"))
        except LyrikstoreError as error:
            return what, Ruling(Reason("unreadable", f"cannot be read ({error.message})"))
        try:
            request = self._request(use, datasets, source, about)
        except FormatError as error:
            return what, Ruling(Reason(error.kind, error.message))
        candidate = RightCandidate(documents[-1], documents[0] if len(documents) > 1 else None)
        ruling = judge(candidate, request)
        ruling = self.since.of(candidate, ruling, request)
        if ruling.fault is None and ruling.issuer != right["issuer"]:
            return what, Ruling(Reason("other-issuer", "has another issuer than recorded"))
        return what, ruling
