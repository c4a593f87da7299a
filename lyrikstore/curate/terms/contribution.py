"""What one dataset contributes to a mix: its terms, and the grants about it (spec §19.6)."""

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON, as_json
from lyrikstore.credentials.terms.model import (
    NOT_DECLARED,
    Answer,
    Partition,
    Terms,
    UsageLimits,
    Use,
)
from lyrikstore.curate.terms.holder import OtherHolder
from lyrikstore.verify.report import Verdict


class HeldGrant(Struct, frozen=True):
    """What a licence grant gives to the user, about one dataset in the mix (spec §20.4).

    Attributes:
        credential: Id of the grant.
        issuer: Who grants.
        holder: To whom.
        permits: What it grants.
        requires: Duties besides those of the terms.
        limits: Within what.
        partitions: Those that are used of the terms it rests on, each with what it grants; none
            where these terms are not available.
        verdict: What the grant is worth to the user, in one word; one that is *invalid*, such as
            one to somebody else, gives nothing.
        reason: Stable code of why it is not trusted, or does not give what was asked for; or empty.
        note: The same for people.
    """

    credential: str
    issuer: str | None
    holder: str
    permits: tuple[str, ...]
    requires: tuple[str, ...]
    limits: UsageLimits
    partitions: tuple[Partition, ...]
    verdict: Verdict
    reason: str = ""
    note: str = ""

    def to_json(self) -> dict[str, JSON]:
        """Return the grant as ``schemas/cli/terms.schema.json`` wants it."""
        return {
            "credential": self.credential,
            "issuer": self.issuer,
            "holder": self.holder,
            "permits": list(self.permits),
            "requires": list(self.requires),
            "limits": as_json(self.limits),
            "verdict": str(self.verdict),
            "reason": self.reason or None,
            "note": self.note or None,
        }

    def asked(self, use: Use) -> "HeldGrant":
        """Return the grant with the reason why it does not give ``use``, if it does not."""
        if self.verdict in {Verdict.INVALID, Verdict.INCOMPLETE}:
            return self
        rulings = [part.judge(use) for part in self.parts]
        rulings.append(self.limits.judge(use))
        answer = Answer.worst(answer for answer, _ in rulings)
        why = next((reason for one, reason in rulings if one is answer), "")
        if answer is Answer.PERMITTED:
            return self
        said = {Answer.PROHIBITED: why, Answer.UNDECLARED: f"{why}{NOT_DECLARED}"}
        return replace(
            self, reason=answer.value, note=said.get(answer, f"it does not permit {why}")
        )

    @property
    def is_yours(self) -> bool:
        """Whether it is to the user."""
        return self.reason not in {"other-holder", "no-key"}

    @property
    def parts(self) -> tuple[Partition, ...]:
        """What it gives, by partition; in one piece where the terms are not available."""
        return self.partitions or (Partition("", self.permits),)


class TermSource(Struct, frozen=True):
    """One dataset in the mix.

    Attributes:
        name: Its name, for people.
        terms: Its terms, or None if it has no sound credential.
        problem: Why it has none.
        used: Names of the partitions that are used; None for all.
        credential: Id of the credential, or None.
        issuer: Who says so, or None.
        verdict: What that credential is worth, in one word; without one nothing could be checked.
        note: Why it is not trusted, or why it may be fewer partitions; or an empty text.
        grants: Those about it that are here, whether they give the user anything or not.
        other_version: The manifest of another version, if the grants beside it are for that alone.
        through: The model through which alone it is reached; empty: it is used directly.
        freed: Its id, if its terms do not count, since no record of it is used (spec §12.7.1).
        own_word: What says that the data is somebody else's, of terms that rest on the issuer's
            own word; else None.
    """

    name: str
    terms: Terms | None
    problem: str = ""
    used: tuple[str, ...] | None = None
    credential: str | None = None
    issuer: str | None = None
    verdict: Verdict = Verdict.INCOMPLETE
    note: str = ""
    grants: tuple[HeldGrant, ...] = ()
    other_version: Digest | None = None
    through: str = ""
    freed: Digest | None = None
    own_word: OtherHolder | None = None

    def lets_count(self, grant: HeldGrant) -> bool:
        """Return whether a grant can give what the terms do not give to everybody.

        ATTACK: anybody can write a credential about the same data, and a grant under its terms.
        """
        by_same = self.issuer is not None and grant.issuer == self.issuer
        return by_same or grant.verdict is Verdict.TRUSTED

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions that are used."""
        if self.terms is None:
            return ()
        return self.terms.partitions if self.used is None else self.terms.named(self.used)
