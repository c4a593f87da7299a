"""One dataset in a mix: its terms, and the grants about it (spec §19.6)."""

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
    """A licence grant about one dataset in the mix, as it applies to the user (spec §20.4).

    Attributes:
        credential: Id of the grant.
        issuer: DID of the issuer.
        holder: DID of the holder.
        permits: Acts that it grants.
        requires: Duties besides those of the terms.
        limits: The limits of the granted acts.
        partitions: The used partitions of the terms that it is based on, each with the granted
            acts; empty if these terms are not available.
        verdict: The verdict for the user, in one word; an *invalid* grant, such as one to another
            holder, gives nothing.
        reason: Stable code of why it is not trusted, or does not permit the requested use; or
            empty.
        note: The same reason as a phrase for messages.
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
        """Return the grant as JSON, by ``schemas/cli/terms.schema.json``."""
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
        """Return the grant, with the reason if it does not permit ``use``."""
        if self.verdict in {Verdict.INVALID, Verdict.INCOMPLETE}:
            return self
        rulings = [part.judge(use) for part in self.parts]
        rulings.append(self.limits.judge(use))
        answer = Answer.worst(answer for answer, _ in rulings)
        why = next((reason for one, reason in rulings if one is answer), "")
        if answer is Answer.PERMITTED:
            return self
        notes = {Answer.PROHIBITED: why, Answer.UNDECLARED: f"{why}{NOT_DECLARED}"}
        return replace(
            self, reason=answer.value, note=notes.get(answer, f"it does not permit {why}")
        )

    @property
    def is_yours(self) -> bool:
        """Whether the user is its holder."""
        return self.reason not in {"other-holder", "no-key"}

    @property
    def parts(self) -> tuple[Partition, ...]:
        """The granted terms by partition; as one partition if the terms are not available."""
        return self.partitions or (Partition("", self.permits),)


class TermSource(Struct, frozen=True):
    """One dataset in the mix.

    Attributes:
        name: Its name, for messages.
        terms: Its terms, or None if it has no valid credential.
        problem: Why it has no valid credential.
        used: Names of the partitions that are used; None for all.
        credential: Id of the credential, or None.
        issuer: DID of the credential's issuer, or None.
        verdict: The verdict of the credential, in one word; without a credential, that nothing
            could be checked.
        note: Why it is not trusted, or why fewer partitions may be used; or an empty text.
        grants: The available grants about it, whether they permit the user anything or not.
        other_version: The manifest of another version, if the grants beside it are only for that.
        through: The model through which it is used, if only indirectly; empty: used directly.
        freed: Its id, if its terms do not count because no record of it is used (spec §12.7.1).
        own_word: Evidence that the data belongs to another publisher, if the terms rest only on
            the issuer's statement; else None.
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
        """Return whether a grant can permit more than the terms permit to everybody.

        ATTACK: anyone can write a credential about the same data, and a grant under its terms.
        """
        by_same = self.issuer is not None and grant.issuer == self.issuer
        return by_same or grant.verdict is Verdict.TRUSTED

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions that are used."""
        if self.terms is None:
            return ()
        return self.terms.partitions if self.used is None else self.terms.named(self.used)
