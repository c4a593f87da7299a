"""A profile: questions and items with the facts that answer them, read from its file.

Nothing in a profile is a program: it names facts of the closed vocabulary, and one that is not
there refuses it. What it says of the law is as of its day, and reviewed by whom it names.
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
"""Longest profile."""

_FOLDER = Path(__file__).parent
_HINT = "docs/cards.md shows a profile, and lyrikstore maintain schema facts every fact"


class CardQuestion(Struct, frozen=True):
    """What only a person can answer.

    Attributes:
        id: Its name; the same in every profile that asks it.
        asks: The question.
        guidance: What an answer has to say.
        choices: What can be chosen; empty: the answer is a text.
        shows: Facts that are shown beside it.
    """

    id: str
    asks: str
    guidance: str = ""
    choices: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


class ProfileItem(Struct, frozen=True):
    """One thing that a profile asks.

    Attributes:
        id: Its name in the profile, such as ``1a``.
        clause: Where it is asked.
        asks: What.
        required: Whether a card without it is a draft.
        fill: Facts that answer it.
        question: The question that answers it; empty: facts alone do.
    """

    id: str
    clause: str
    asks: str
    required: bool = False
    fill: tuple[str, ...] = ()
    question: str = ""


class Contradiction(Struct, frozen=True):
    """An answer that facts contradict.

    Attributes:
        question: The question.
        choice: The answer.
        fact: The fact.
        says: One of these words is in what it says.
        because: What is wrong.
    """

    question: str
    choice: str
    fact: str
    says: tuple[str, ...]
    because: str


class Profile(Struct, frozen=True, rename="camel", kw_only=True):
    """What a profile file says.

    Attributes:
        data: The file; attached to the card.
        id: Such as ``us-legal/1``.
        title: What it is called.
        about: ``checkpoint`` or ``dataset``.
        jurisdiction: Where it is the law; may be empty.
        as_of: The day for which its sources were read.
        reviewed_by: The lawyer who read it; empty: none did.
        banner: What a reader has to know before; may be empty.
        sources: What it rests on.
        applies: When it is asked at all; empty: always.
        questions: Id → question.
        items: In their order.
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
    def digest(self) -> Digest:
        """BLAKE3 of the file."""
        return Digest.of(self.data)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return what a profile file says.

        Args:
            data: TOML, as ``schemas/card-profile.schema.json`` has it.

        Raises:
            InvalidInputError: (``bad-profile``) not such a file, no such day, an item twice, one
                that nothing can answer, a question that is not there or that no item asks;
                (``unknown-fact``) a fact that is not in the vocabulary.
        """
        try:
            document = parse_toml(data, max_bytes=MAX_BYTES)
            check_user_file(document, "card-profile")
            date.fromisoformat(document["asOf"])
        except FormatError as error:
            raise _bad(error.message, error.hint) from None
        except ValueError:
            raise _bad(f"asOf: there is no day {document['asOf']}") from None
        questions = document.get("questions", {})
        named = {name: {**one, "id": name} for name, one in questions.items()}
        found = convert({**document, "data": data, "questions": named}, cls)
        _check(found)
        return found


def _check(profile: Profile) -> None:
    ids = [one.id for one in profile.items]
    if len(set(ids)) < len(ids):
        raise _bad(f"the item {next(one for one in ids if ids.count(one) > 1)} is there twice")
    for item in profile.items:
        if not item.fill and not item.question:
            raise _bad(f"the item {item.id}: it has neither fill nor question, so no answer")
    asked = {item.question for item in profile.items if item.question}
    for name in (*asked, *(one.question for one in profile.contradictions)):
        if name not in profile.questions:
            raise _bad(f"the question {name!r} is not under [questions]")
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
    """Return the profiles that come with lyrikstore: name → profile, by name."""
    found = [Profile.parse(read_packaged(path)) for path in sorted(_FOLDER.glob("*.toml"))]
    return MappingProxyType({one.name: one for one in found})


def load_profile(name: str) -> Profile:
    """Return a profile that comes with lyrikstore, or one in a file of one's own.

    Args:
        name: Its name, or a path that ends in ``.toml``.

    Raises:
        NotFoundError: (``no-profile``) none is called so; near names are named.
        InvalidInputError: It cannot be read; (``bad-profile``) it is called as one that comes with
            lyrikstore; or as :meth:`Profile.parse`.
    """
    shipped = shipped_profiles()
    if name.endswith(".toml"):
        found = Profile.parse(read_at_most(Path(name), MAX_BYTES + 1))
        if found.name in shipped and found.digest != shipped[found.name].digest:
            # ATTACK: an easier profile under the name of a law's.
            raise _bad(f"{found.name} is what a profile of lyrikstore's is called")
        return found
    if name not in shipped:
        raise NotFoundError(
            "no-profile",
            f"no profile is called {name[:80]!r}",
            hint=f"there are: {', '.join(shipped)}; or a file of your own that ends in .toml",
        )
    return shipped[name]


def _bad(message: str, hint: str | None = None) -> InvalidInputError:
    return InvalidInputError("bad-profile", f"the profile: {message}", hint=hint or _HINT)
