"""Use rights: whether a purpose is allowed over everything a dataset was made from.

Default deny (spec §12.7). A licence identifier alone permits nothing; a derived
dataset may be used for what all of its sources may be used for.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import LyrikstoreError, PolicyError
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.credential import ATTESTATION, GRANT
from lyrikstore.credentials.terms.model import Answer, Use
from lyrikstore.credentials.terms.usage import RowsHeld, partitions_used
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.credential.status import Notices, logged_notices
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.log_memory import check_remembered
from lyrikstore.verify.report import SETTLED
from lyrikstore.verify.rights.grants import published
from lyrikstore.verify.rights.judge import (
    LoggedDocument,
    Reason,
    Request,
    Right,
    RightCandidate,
    Ruling,
    judge,
)
from lyrikstore.verify.rights.recorded import compared_with, sources_of

__all__ = ["Right", "check_rights", "source_datasets"]

_NOTHING = Reason("not-logged", "no credential about it is logged here")


def source_datasets(repository: Repository, datasets: Iterable[Manifest]) -> list[Manifest]:
    """Return the datasets that ``datasets`` rest on and that were made from none, each once.

    Raises:
        NotFoundError, IncompleteError: one on the way cannot be followed; what cannot be followed
            is never taken for permitted.
    """
    known = {manifest.id: manifest for manifest in datasets}
    return sources_of(known, lambda one: known.get(one) or repository.manifest(one))[0]


def compared_datasets(repository: Repository, datasets: Iterable[Manifest]) -> list[Manifest]:
    """Return the datasets with which ``datasets``, or what they rest on, were compared, each once.

    Raises:
        NotFoundError, IncompleteError: As :func:`source_datasets`.
    """
    known = {manifest.id: manifest for manifest in datasets}
    found = compared_with(known, lambda one: known.get(one) or repository.manifest(one))
    return [repository.manifest(identity) for identity in found]


def check_rights(
    repository: Repository,
    datasets: Sequence[Manifest],
    use: Use,
    *,
    trust: Trust,
    user: str | None = None,
    measuring: Use | None = None,
) -> list[Right]:
    """Return the rights that allow ``use`` for every source of ``datasets``.

    What they were compared with, and hold nothing of, needs the right to be measured with.

    Args:
        repository: The store; its log holds the credentials.
        datasets: Dataset manifests, derived or not.
        use: What is wanted, and as of when.
        trust: Whom the caller believes.
        user: DID of who uses them, for whom licence grants count; None: for nobody.
        measuring: The use of what they were compared with; None: ``use``, to ``evaluate`` alone.

    Raises:
        PolicyError: (``rights-missing``) a source lacks such a credential; the message names the
            source and what is missing, the hint the command that would mend it. (``log-behind``)
            the log is not all that this user has seen of it: what is missing could take any
            right back.

    Cost: one signature verification per credential about a source.
    """
    _check_log(repository)
    # ATTACK: a clock set back to before a licence ran out. The log knows what time it was.
    at, notices = max(use.at, repository.floor()), logged_notices(repository)
    rows = RowsHeld(repository.blobs.open)
    found: dict[Right, None] = {}
    for some, wanted in (
        (datasets, use),
        (compared_datasets(repository, datasets), measuring or replace(use, acts=("evaluate",))),
    ):
        guard = _Guard(repository, some, replace(wanted, at=at), trust, notices, user, rows)
        found.update(dict.fromkeys(guard.rights()))
    return list(found)


def _check_log(repository: Repository) -> None:
    # ATTACK: whoever holds a clone puts the home log back to before a revocation. Nobody appends
    # to that log here, so nothing else would tell.
    log, memory = (repository.checkpoint, repository.records), repository.memory
    check = check_remembered(repository, *log, memory)
    if check.state not in SETTLED:
        raise PolicyError(
            "log-behind",
            f"the log here is not all that was seen of it: {check.summary}",
            hint=f"lyrikstore {check.detail.get('next', 'pull')} brings a clone and its home "
            "together; lyrikstore verify says more",
        )


def _way(repository: Repository, source: Manifest, use: Use, why: Reason, ruling: Ruling) -> str:
    if why.code == Answer.UNDECLARED.value:
        return "say so in [use] of the configuration: territory, seats, purposes"
    if why.code in {"no-document", "snapshot-only"}:
        return "pin the one it publishes: lyrikstore trust add did:web:… --document FILE"
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


class _Guard(Struct, frozen=True):
    repository: Repository
    datasets: Sequence[Manifest]
    use: Use
    trust: Trust
    notices: Notices
    user: str | None
    rows: RowsHeld

    def rights(self) -> list[Right]:
        """Return the right to use each source.

        Raises:
            PolicyError: As :func:`check_rights`.
        """
        use = self.use
        found = [self.rule(one) for one in source_datasets(self.repository, self.datasets)]
        missing = [one for one in found if one.ruling.against is not None]
        if missing:
            first = missing[0]
            source = first.source
            others = len(missing) - 1
            more = f" (and {pluralize(others, 'more dataset')})" if others else ""
            purpose = " and ".join(use.acts)
            raise PolicyError(
                "rights-missing",
                f"{source.name} ({source.id.short}) may not be used to {purpose}: "
                f"{first.why.text}{more}",
                hint=_way(self.repository, source, use, first.why, first.ruling),
                details={"purpose": list(use.acts), "missing": [one.to_json() for one in missing]},
            )
        return [one.ruling.right for one in found if one.ruling.right is not None]

    def rule(self, source: Manifest) -> "_Found":
        """Return the right to use ``source``, or why there is none."""
        request = Request(
            source,
            published(self.repository, source),
            self.use,
            partial(
                partitions_used,
                source=source,
                datasets=self.datasets,
                manifest_of=self.repository.manifest,
                tree_of=self.repository.tree,
                rows=self.rows,
            ),
            self.user or "",
            self.trust,
            self.notices,
        )
        made: list[tuple[RightCandidate, Ruling]] = []
        unread: list[Reason] = []
        for candidate in self._candidates(request, unread):
            ruling = judge(candidate, request)
            made.append((candidate, ruling))
            if ruling.against is None:
                return _Found(source, ruling, _NOTHING, made)
        # What a grant to this user lacks says most, else what the newest credential does.
        made.sort(key=lambda one: one[0].grant is None)
        for candidate, ruling in made:
            why = ruling.against
            if why is not None and why.code != "other-holder":
                text = f"{candidate.label} {why.text}"
                return _Found(source, ruling, Reason(why.code, text), made)
        return _Found(source, Ruling(fault=_NOTHING), next(iter(unread), _NOTHING), made)

    def _candidates(self, request: Request, unread: list[Reason]) -> Iterator[RightCandidate]:
        """Yield what may give a right: credentials, then grants, each newest first."""
        documents: list[LoggedDocument] = []
        grants: list[LoggedDocument] = []
        logged = self.repository.credentials_about(request.about.manifest)
        for identity in dict.fromkeys(entry.id for entry in reversed(logged)):
            try:
                one = LoggedDocument.read(self.repository, identity)
            except LyrikstoreError as error:
                text = f"credential {identity.short} cannot be read ({error.message})"
                unread.append(Reason("unreadable", text))
                continue
            if one.opened.kind is GRANT:
                grants.append(one)
            elif one.opened.kind is not ATTESTATION:  # what others attest gives nobody a right
                documents.append(one)
                yield RightCandidate(one)
        if self.user is None:
            return
        known = {one.id: one for one in documents}
        documents.sort(key=lambda one: one.suspect)
        siblings = SiblingFiles.unnamed(one.opened for one in documents)
        for grant in grants:
            terms = siblings.terms_of(grant.opened)
            if terms is None:
                text = f"grant {grant.id.short} rests on terms that are not logged here"
                unread.insert(0, Reason("not-logged", text))
            else:
                yield RightCandidate(known[terms.digest], grant)


class _Found(Struct, frozen=True):
    """What was found out about one source: the ruling that decides, and all that were made."""

    source: Manifest
    ruling: Ruling
    why: Reason
    made: Sequence[tuple[RightCandidate, Ruling]]

    def to_json(self) -> dict[str, object]:
        """Return it as an error says it."""
        return {
            "dataset": str(self.source.id),
            "name": self.source.name,
            "reason": self.why.text,
            "code": self.why.code,
            "candidates": [
                {
                    "credential": str(candidate.credential.id),
                    **({"grant": str(candidate.grant.id)} if candidate.grant else {}),
                    "code": ruling.against.code,
                }
                for candidate, ruling in self.made
                if ruling.against is not None
            ],
        }
