"""Use rights: whether a purpose is allowed for all data that datasets and models rest on.

Default deny (spec §12.7). A licence identifier alone permits nothing. A derived dataset may be used
only for the purposes that all of its sources permit; so may a model, and text that a model wrote.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.terms.model import Answer, Use
from lyrikstore.credentials.terms.usage import RowsHeld, partitions_used
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.lineage import Lineage, RightsClosure
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.status import StatusUpdates, logged_status_updates
from lyrikstore.verify.log_memory import check_remembered
from lyrikstore.verify.report import ACCEPTED
from lyrikstore.verify.rights.freed import GROUND, Held, SourceRecords, SourcesHeld
from lyrikstore.verify.rights.grants import published
from lyrikstore.verify.rights.judge import Reason, Request, Right, Ruling
from lyrikstore.verify.rights.search import FoundRight, find_right

__all__ = ["Right", "Rights", "check_rights"]


class Rights(Struct, frozen=True):
    """The rights that allow a use: one for each source of which a record is used.

    Iteration, length and indexing are those of ``rights``.

    Attributes:
        rights: The rights.
        without: The sources that need no right for some of the data in use, because this data was
            made from several datasets and contains no record of theirs.
    """

    rights: tuple[Right, ...]
    without: tuple[Manifest, ...] = ()

    def __iter__(self) -> Iterator[Right]:
        return iter(self.rights)

    def __len__(self) -> int:
        return len(self.rights)

    def __getitem__(self, at: int) -> Right:
        return self.rights[at]

    def to_body(self) -> dict[str, Any]:
        """Return the members of a run's body, or of an evaluation's, that record it."""
        without = [{"dataset": str(one.id), "ground": GROUND} for one in self.without]
        return {
            "rights": [right.to_json() for right in self.rights],
            **({"without": without} if without else {}),
        }


def check_rights(
    repository: Repository,
    used: Sequence[Manifest],
    use: Use,
    *,
    trust: Trust,
    user: str | None = None,
    measuring: Use | None = None,
    lineage: Lineage | None = None,
) -> Rights:
    """Return the rights that allow ``use`` for every source of what is used.

    A source of which a union contains no record needs no right (spec §12.7.1). The training data of
    a base model, and of a model that wrote data, counts like the user's own data. Data with which
    the datasets were compared, and of which they contain nothing, needs the right to be measured
    with.

    Args:
        repository: The store; its log holds the credentials.
        used: Datasets, derived or not, and the checkpoint that is trained on.
        use: The requested use and its moment.
        trust: The keys that the caller trusts.
        user: DID of the user, whose licence grants count; None: no grants count.
        measuring: The use of data with which they were compared; None: ``use``, for ``evaluate``
            alone.
        lineage: A lineage that contains all data in use, if it was already read.

    Raises:
        PolicyError: (``rights-missing``) a source lacks such a credential; the message names the
            source, the model through which alone it is used, and what is missing, the hint the
            command that would fix it. (``log-behind``) the log lacks entries that this user has
            seen: a missing entry could revoke any right.
        NotFoundError, IncompleteError: Part of the lineage cannot be followed; this never counts as
            permitted.

    Cost: one signature verification per credential about a source; where a union rests on one
    without a right, also the cost of :class:`SourcesHeld`.
    """
    _check_log(repository)
    # ATTACK: a clock set back to before a licence ran out. The log knows what time it was.
    at, status_updates = max(use.at, repository.floor()), logged_status_updates(repository)
    rows = RowsHeld(repository.blobs.open)
    own = [one.id for one in used]
    found: dict[Right, None] = {}
    without: dict[Manifest, None] = {}
    lineage = lineage or Lineage.read(repository, *own)
    held = SourcesHeld(lineage, repository.tree, repository.blobs.open)
    measured = measuring or replace(use, acts=("evaluate",))
    for start, wanted in ((own, use), (lineage.compared_with(own), measured)):
        closure = lineage.rests_on(start, strict=True)
        now = replace(wanted, at=at)
        guard = _Guard(repository, lineage, closure, now, trust, status_updates, user, rows, held)
        given = guard.rights()
        found.update(dict.fromkeys(given.rights))
        without.update(dict.fromkeys(given.without))
    return Rights(tuple(found), tuple(without))


def _check_log(repository: Repository) -> None:
    # ATTACK: whoever holds a clone puts the home log back to before a revocation. Nobody appends
    # to that log here, so nothing else would tell.
    log, memory = (repository.checkpoint, repository.records), repository.memory
    check = check_remembered(repository, *log, memory)
    if check.state not in ACCEPTED:
        raise PolicyError(
            "log-behind",
            f"the log here lacks entries that were seen before: {check.summary}",
            hint=f"lyrikstore {check.detail.get('next', 'pull')} brings a clone and its home "
            "together; lyrikstore verify says more",
        )


def _way(repository: Repository, source: Manifest, use: Use, why: Reason, ruling: Ruling) -> str:
    if why.code == Answer.UNDECLARED.value:
        return "say so in [use] of the configuration: territory, seats, purposes"
    if why.code in {"no-document", "snapshot-only"}:
        return "pin the one it publishes: lyrikstore trust add did:web:… --did-document FILE"
    if ruling.unbelieved is not None and why.code == ruling.unbelieved.code:
        return (
            "if you know from another source who that is: "
            f"lyrikstore trust add {ruling.issuer} --name NICKNAME"
        )
    version = published(repository, source).manifest  # as its publisher knows it
    if version == source.id:
        return (
            "if it is yours to permit, say so with: lyrikstore permit "
            f"{version.hex} --permit {','.join(use.acts)}"
        )
    return (
        f"its publisher says so with: lyrikstore issue {version.hex} "
        f"-o DELIVERY --permit {','.join(use.acts)} --valid-for 365d"
    )


def _unsure(source: Manifest, records: SourceRecords) -> str:
    if records.held is not Held.NOT_CHECKED:
        return ""
    return f"; {records.unsure(source.name)}"


class _Guard(Struct, frozen=True):
    repository: Repository
    lineage: Lineage
    closure: RightsClosure
    use: Use
    trust: Trust
    status_updates: StatusUpdates
    user: str | None
    rows: RowsHeld
    held: SourcesHeld

    def rights(self) -> Rights:
        """Return the right to use each source, and the sources that need none.

        Raises:
            PolicyError: As :func:`check_rights`.
        """
        use = self.use
        found = [(source, self.rule(source)) for source in self.closure.sources]
        without, missing = [], []
        for source, one in found:
            if one.ruling.against is not None:
                records = self.held.of(self.closure.datasets, source.id)
                if records.held is Held.NONE:
                    without.append(source)
                else:
                    missing.append((source, one, records))
        if missing:
            source, first, records = missing[0]
            others = len(missing) - 1
            more = f" (and {pluralize(others, 'more dataset')})" if others else ""
            purpose = " and ".join(use.acts)
            raise PolicyError(
                "rights-missing",
                f"{source.name} ({source.id.short}){self.closure.way_to(source)} may not be used "
                f"to {purpose}: {first.why.text}{_unsure(source, records)}{more}",
                hint=_way(self.repository, source, use, first.why, first.ruling),
                details={
                    "purpose": list(use.acts),
                    "missing": [self._missing(*one) for one in missing],
                },
            )
        rights = (one.ruling.right for _, one in found if one.ruling.against is None)
        return Rights(tuple(filter(None, rights)), tuple(without))

    def rule(self, source: Manifest) -> FoundRight:
        """Return the right to use ``source``, or why there is none."""
        request = Request(
            source,
            published(self.repository, source),
            self.use,
            partial(
                partitions_used,
                source=source,
                datasets=self.closure.datasets,
                lineage=self.lineage,
                tree_of=self.repository.tree,
                rows=self.rows,
            ),
            self.user or "",
            self.trust,
            self.status_updates,
        )
        return find_right(self.repository, request)

    def _missing(
        self, source: Manifest, found: FoundRight, records: SourceRecords
    ) -> dict[str, Any]:
        """Return a source without a right, in the form of the error's ``details``."""
        model = self.closure.through.get(source.id)
        return {
            "dataset": str(source.id),
            "name": source.name,
            **({} if model is None else {"through": model.name}),
            "reason": found.why.text,
            "code": found.why.code,
            "holds": str(records.held),
            "candidates": [
                {
                    "credential": str(candidate.credential.id),
                    **({"grant": str(candidate.grant.id)} if candidate.grant else {}),
                    "code": ruling.against.code,
                }
                for candidate, ruling in found.made
                if ruling.against is not None
            ],
        }
