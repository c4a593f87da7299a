"""What a log holds that may give the right to one use of one dataset (spec §12.7).

One search: for whoever asks before data is used, and for whoever verifies a use that recorded none.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.credentials.model.credential import ATTESTATION, GRANT
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.rights.about import logged_about
from lyrikstore.verify.rights.judge import (
    Reason,
    Request,
    RightCandidate,
    Ruling,
    judge,
)

_NOTHING = Reason("not-logged", "no credential about it is logged here")


class FoundRight(Struct, frozen=True):
    """What was found out about one source: the ruling that decides, and all that were made.

    Attributes:
        ruling: The ruling that decides.
        why: Why there is no right, with the name of the document; where there is one, not used.
        made: Each document that may give one, and what the judge says of it.
    """

    ruling: Ruling
    why: Reason
    made: Sequence[tuple[RightCandidate, Ruling]]

    @property
    def given(self) -> tuple[RightCandidate, Ruling] | None:
        """What gave the right for whoever may know nobody (spec §11.7.2), or None.

        What nobody has to be believed for, and nothing took back since, goes before.
        """
        sound = [one for one in self.made if one[1].fault is None and not one[1].open]
        return min(sound, key=_doubts, default=None)


def find_right(repository: Repository, request: Request) -> FoundRight:
    """Return what the credentials, and the grants to ``request.holder``, that are logged give.

    Cost: one ruling for each, until one gives the right and nothing revoked it since.
    """
    made: list[tuple[RightCandidate, Ruling]] = []
    unread: list[Reason] = []
    for candidate in _candidates(repository, request, unread):
        ruling = judge(candidate, request)
        made.append((candidate, ruling))
        if ruling.against is None and ruling.later is None:
            return FoundRight(ruling, _NOTHING, made)
    # What a grant to this user lacks says most, else what the newest credential does.
    made.sort(key=lambda one: one[0].grant is None)
    others = ""
    for candidate, ruling in made:
        why = ruling.against
        if why is not None and why.code == "other-holder":
            others = others or f"; {candidate.label} is here, and is to somebody else"
        elif why is not None:
            text = f"{candidate.label} {why.text}{others}"
            return FoundRight(ruling, Reason(why.code, text), made)
    return FoundRight(Ruling(fault=_NOTHING), next(iter(unread), _NOTHING), made)


def find_renewal(
    repository: Repository, ended: Ruling, request: Request
) -> tuple[RightCandidate, Ruling] | None:
    """Return what gives a right now that has ended, or None where nothing does.

    ATTACK A117: whoever used the data logs terms of their own, by a key that nobody knows. It
    counts if the verifier believes who issued it, or if that is who gave the right before.

    Args:
        repository: The store.
        ended: What the right was.
        request: What for; its later moment counts.

    Cost: as :func:`find_right`.
    """
    if request.now is None:
        return None
    at, said = request.now
    use = replace(request.use, at=at)
    found = find_right(
        repository, replace(request, use=use, status_updates=said, index=None, now=None)
    )
    for candidate, ruling in found.made:
        known = ruling.unbelieved is None or ruling.issuer == ended.issuer
        if ruling.fault is None and not ruling.open and known:
            return candidate, ruling
    return None


def _doubts(one: tuple[RightCandidate, Ruling]) -> int:
    return sum(reason is not None for reason in (one[1].unbelieved, one[1].later))


def _candidates(
    repository: Repository, request: Request, unread: list[Reason]
) -> Iterator[RightCandidate]:
    """Yield what may give a right: credentials, then grants, each newest first."""
    logged = logged_about(repository, request.about)
    for lost in reversed(logged.unread):
        text = f"credential {lost.id.short} cannot be read ({lost.reason})"
        unread.append(Reason("unreadable", text))
    # What others attest gives nobody a right.
    others = {GRANT, ATTESTATION}
    documents = [one for one in reversed(logged.documents) if one.opened.kind not in others]
    yield from map(RightCandidate, documents)
    if not request.holder:
        return
    known = {one.id: one for one in documents}
    documents.sort(key=lambda one: one.suspect)
    siblings = SiblingFiles.unnamed(one.opened for one in documents)
    for grant in reversed(logged.grants):
        terms = siblings.terms_of(grant.opened)
        if terms is None:
            text = f"grant {grant.id.short} rests on terms that are not logged here"
            unread.insert(0, Reason("not-logged", text))
        else:
            yield RightCandidate(known[terms.digest], grant)
