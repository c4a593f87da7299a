"""Finds the logged documents that may give the right to one use of one dataset (spec §12.7).

The same search serves a user before a use, and a verifier of a use that recorded no right.
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
    """The rulings for one source, and the ruling that decides.

    Attributes:
        ruling: The ruling that decides.
        why: Why there is no right, with the name of the document; unused if there is a right.
        made: Each candidate for a right, and the ruling on it.
    """

    ruling: Ruling
    why: Reason
    made: Sequence[tuple[RightCandidate, Ruling]]

    @property
    def given(self) -> tuple[RightCandidate, Ruling] | None:
        """The candidate that gave the right, even by an untrusted issuer (spec §11.7.2), or None.

        A candidate whose issuer is trusted, and that was not revoked since, is preferred.
        """
        sound = [one for one in self.made if one[1].fault is None and not one[1].open]
        return min(sound, key=_warning_count, default=None)


def find_right(repository: Repository, request: Request) -> FoundRight:
    """Return the right that logged credentials, and grants to ``request.holder``, give.

    Cost: one ruling for each, until one gives a right that was not revoked since.
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
    """Return the candidate that renews an ended right now, and its ruling, or None.

    ATTACK A117: the user of the data logs terms of their own, by an unknown key. A renewal counts
    only if the verifier trusts its issuer, or if its issuer also gave the ended right.

    Args:
        repository: The store.
        ended: The ended right.
        request: The use; its later moment counts.

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


def _warning_count(one: tuple[RightCandidate, Ruling]) -> int:
    return sum(reason is not None for reason in (one[1].unbelieved, one[1].later))


def _candidates(
    repository: Repository, request: Request, unread: list[Reason]
) -> Iterator[RightCandidate]:
    """Yield the candidates for a right: credentials, then grants, each newest first."""
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
