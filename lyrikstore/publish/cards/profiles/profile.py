"""A profile, read from its file: questions and items, with the facts that answer them.

A profile contains no program: it names facts of the closed vocabulary, and is refused if one is
unknown. Its statements about law hold for the day it states, reviewed by the person it names.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from msgspec import Struct, convert, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError
from lyrikstore.canon.files import read_at_most, read_packaged
from lyrikstore.canon.text import unknown_word
from lyrikstore.canon.toml import check_user_file, parse_toml
from lyrikstore.publish.cards.vocabulary import VOCABULARY

MAX_BYTES = 1 << 18
"""Bytes of a profile, at most."""

EARLIER: Mapping[str, str] = {
    "dataset/1": "blake3:4ac151236795e540bf66cb7fb60f7db12e7369543b6be49141ef81f4f16d4632",
    "dataset/2": "blake3:3cd5734c38cf4dbe5856d56a20ae85b133774b46c0048e841b0581aa99a9b18d",
    "eu-ai-act-sme/1": "blake3:5254b352f88be6be3f7f38ee156c459209144610c2d14e8480a268e5b9138079",
    "eu-ai-act-sme/2": "blake3:92e2b6017405564688849f62b9394119d322a6eb2a6983ccd28b35f97d9540e8",
    "eu-ai-act/1": "blake3:622a1f93118dde88bf5a274ee3bfa8b5f2c31be7ac6912a41f9cb763b2068b17",
    "eu-ai-act/2": "blake3:d5c223fc092e2f23284add12c1047db27f84f18c56486b2dae413c033ed2aba8",
    "eu-gpai-53/1": "blake3:96af1d19116fe5910365e624c28ad039abc9128ac0f58793e7d47cfcf218298b",
    "huggingface/4": "blake3:4a905ff7c3b9c539af7309b428902948cf314da1e138b00162540a233ec5aa42",
    "nist-ai-rmf/1": "blake3:f78fe74a7d78fb953b5f8d6d116867755f0eee561e5ec491864fb36b4b20f816",
    "us-ca-ab2013/1": "blake3:025c4d5b0f26573299624ec1aa0fad2997353492b13fdf39722bd944dbb3b7f0",
    "us-co-admt/1": "blake3:da6a6d750fbf121d2e2368f3ee316f1636b47b1c84798c3d65ad84cf3c95b0a0",
    "us-health/1": "blake3:d162789e079c898bc91e7393cd26652326cb88e48822644e37c3ee2398bbdb1b",
    "us-legal/1": "blake3:bd98f2af7449b948705b9f059558702321c7376533cc8d3e4d2b68500d74eb33",
    "us-mrm/1": "blake3:9b54f8f37f2ae0a21ea2acba7428092fff92115d05c5916cf5c9a726c32e7a08",
}
"""Id of a profile that an earlier version shipped → BLAKE3 of its file."""

_FOLDER = Path(__file__).parent
_HINT = "docs/cards.md has a sample profile; list all facts: lyrikstore maintain schema facts"


class CardQuestion(Struct, frozen=True):
    """A question that only a person can answer.

    Attributes:
        id: Its name; the same in every profile that asks it.
        asks: The question.
        guidance: What an answer must contain.
        choices: The possible choices; empty: the answer is a text.
        shows: Facts that are shown beside it.
    """

    id: str
    asks: str
    guidance: str = ""
    choices: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


class ProfileItem(Struct, frozen=True, rename="camel"):
    """One item of a profile.

    Attributes:
        id: Its name in the profile, such as ``1a``.
        clause: The clause of the source that requires it.
        asks: What it asks for.
        required: Whether a card without it is a draft.
        fill: Facts that answer it.
        question: The question whose answer fills it; empty: facts alone fill it.
        answered_by: States of statements that answer it: of facts, or of answers if it has a
            question; empty: every established fact, or an answer that is attested or says that it
            does not apply.
    """

    id: str
    clause: str
    asks: str
    required: bool = False
    fill: tuple[str, ...] = ()
    question: str = ""
    answered_by: tuple[str, ...] = ()


class Contradiction(Struct, frozen=True):
    """An answer that facts contradict.

    Attributes:
        question: The question.
        choice: The chosen answer.
        fact: The fact that contradicts it.
        says: Words of which one is in the text of the fact.
        because: The explanation of the contradiction.
    """

    question: str
    choice: str
    fact: str
    says: tuple[str, ...]
    because: str


class Profile(Struct, frozen=True, rename="camel", kw_only=True):
    """The contents of a profile file.

    Attributes:
        data: The file; attached to the card.
        id: Such as ``us-legal/1``.
        title: Its title.
        about: Kind of the subject: ``checkpoint`` or ``dataset``.
        jurisdiction: Where the law applies; may be empty.
        as_of: The day for which its sources were read.
        reviewed_by: The lawyer who reviewed it; empty: not reviewed.
        banner: A notice for readers; may be empty.
        sources: Its sources, such as laws.
        applies: The fact and value for which it applies; empty: always.
        questions: Id → question.
        items: Its items, in order.
        contradictions: Answers that facts contradict.
    """

    data: bytes
    id: str = field(name="profile")
    title: str
    about: str
    jurisdiction: str = ""
    as_of: str
    reviewed_by: str
    banner: str = ""
    sources: tuple[Mapping[str, Any], ...] = ()
    applies: Mapping[str, Any] = {}
    questions: Mapping[str, CardQuestion] = {}
    items: tuple[ProfileItem, ...]
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def name(self) -> str:
        """Its id without the version."""
        return self.id.partition("/")[0]

    @property
    def version(self) -> int:
        """Its number."""
        return int(self.id.partition("/")[2])

    @property
    def digest(self) -> Digest:
        """BLAKE3 of the file."""
        return Digest.of(self.data)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a profile file.

        Args:
            data: TOML, by ``schemas/card-profile.schema.json``.

        Raises:
            InvalidInputError: (``bad-profile``) malformed file, impossible date, two items of one
                name, an item with neither facts nor a question, a question that is missing or that
                no item asks; (``unknown-fact``) a fact that is not in the vocabulary.
        """
        try:
            document = parse_toml(data, max_bytes=MAX_BYTES)
            check_user_file(document, "card-profile")
            date.fromisoformat(document["asOf"])
        except FormatError as error:
            raise _bad(error.message, error.hint) from None
        except ValueError:
            raise _bad(f"asOf: {document['asOf']} is not a date") from None
        questions = document.get("questions", {})
        named = {name: {**question, "id": name} for name, question in questions.items()}
        profile = convert({**document, "data": data, "questions": named}, cls)
        _check(profile)
        return profile


def _check(profile: Profile) -> None:
    ids = [one.id for one in profile.items]
    if len(set(ids)) < len(ids):
        raise _bad(f"two items have the name {next(one for one in ids if ids.count(one) > 1)}")
    for item in profile.items:
        if not item.fill and not item.question:
            raise _bad(f"the item {item.id} has neither `fill` nor `question`, so no answer")
        if item.question and not {*item.answered_by} <= {"attested", "not-applicable"}:
            raise _bad(f"the item {item.id} has a question, which only people answer")
    asked = {item.question for item in profile.items if item.question}
    for name in (*asked, *(one.question for one in profile.contradictions)):
        if name not in profile.questions:
            raise _bad(f"the question {name!r} is missing under [questions]")
    for name in profile.questions.keys() - asked:
        raise _bad(f"no item asks the question {name!r}")
    for rule in profile.contradictions:
        if rule.choice not in profile.questions[rule.question].choices:
            raise _bad(f"the question {rule.question} has no choice {rule.choice!r}")
    known = [name for name, fact in VOCABULARY.items() if fact.of in {"", profile.about}]
    for name in _facts(profile):
        if name not in known:
            raise unknown_word("unknown-fact", "fact in the profile", name, known)


def _facts(profile: Profile) -> Iterable[str]:
    for item in profile.items:
        yield from item.fill
    for question in profile.questions.values():
        yield from question.shows
    for rule in profile.contradictions:
        yield rule.fact
    if profile.applies:
        yield profile.applies["fact"]


@cache
def shipped_profiles() -> Mapping[str, Profile]:
    """Return the profiles shipped with lyrikstore: name → profile, sorted by name."""
    profiles = [Profile.parse(read_packaged(path)) for path in sorted(_FOLDER.glob("*.toml"))]
    return MappingProxyType({profile.name: profile for profile in profiles})


def is_as_shipped(profile: Profile) -> bool:
    """Return whether a profile is what was shipped under its id, now or with an earlier version."""
    current = shipped_profiles().get(profile.name)
    if current is not None and current.id == profile.id:
        return current.digest == profile.digest
    return EARLIER.get(profile.id) == str(profile.digest)


def is_of_later_version(profile: Profile) -> bool:
    """Return whether a profile has a higher number than the one shipped under its name."""
    current = shipped_profiles().get(profile.name)
    return current is not None and current.version < profile.version


def load_profile(name: str) -> Profile:
    """Return a profile shipped with lyrikstore, or one from a user's file.

    Args:
        name: Its name, or a path that ends in ``.toml``.

    Raises:
        NotFoundError: (``no-profile``) no profile has this name; the hint lists all names.
        InvalidInputError: The file cannot be read; (``bad-profile``) its profile has the name of a
            shipped one; or as :meth:`Profile.parse`.
    """
    shipped = shipped_profiles()
    if name.endswith(".toml"):
        profile = Profile.parse(read_at_most(Path(name), MAX_BYTES + 1))
        if profile.name in shipped and not is_as_shipped(profile):
            # ATTACK A200: an easier profile under the name of a profile for a law.
            raise _bad(f"{profile.name} is the name of another profile, shipped with lyrikstore")
        return profile
    if name not in shipped:
        raise NotFoundError(
            "no-profile",
            f"no profile has the name {name[:80]!r}",
            hint=f"choose one of: {', '.join(shipped)}; or a file of your own that ends in .toml",
        )
    return shipped[name]


def _bad(message: str, hint: str | None = None) -> InvalidInputError:
    return InvalidInputError(
        "bad-profile", f"the profile is invalid: {message}", hint=hint or _HINT
    )
