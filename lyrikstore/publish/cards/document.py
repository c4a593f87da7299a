"""``card.json``: the content of a card, built from facts, answers and profiles (spec §14.4.1).

Building is a pure function: it uses no clock, no locale, no network, no trust file. All other forms
of a card are renderings of ``card.json``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON, encode, parse
from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.text import pluralize
from lyrikstore.publish.cards.answer import (
    CLOSING,
    CardAnswer,
    GivenAnswer,
    answer_statement,
    closing_answers,
    in_force,
)
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.gathering.form import USUAL_FORM, CardForm
from lyrikstore.publish.cards.organisations import with_document
from lyrikstore.publish.cards.profiles.profile import (
    CardQuestion,
    Contradiction,
    Profile,
    ProfileItem,
)
from lyrikstore.publish.cards.statement import OPEN, STATES, CardStatement
from lyrikstore.publish.cards.vocabulary import say_all

MAX_CARD = 16 << 20
"""Bytes of a ``card.json`` or a rendering, at most."""

MAX_SHOWN = 200
"""Number of statements shown beside a question, and signed with its answer, at most."""


_UNKNOWN = ("not-established",)


class CardDocument(Struct, frozen=True):
    """A card, before it is rendered.

    Attributes:
        content: Contents of ``card.json``.
        statements: All statements.
        open: Profile → number of its required items that are open.
        answers: The attestations whose answers it contains.
    """

    content: dict[str, JSON]
    statements: tuple[CardStatement, ...]
    open: Mapping[str, int]
    answers: tuple[Digest, ...]

    @property
    def data(self) -> bytes:
        """``card.json``, canonical."""
        return encode(self.content)

    @property
    def states(self) -> dict[str, int]:
        """State → number of statements in this state."""
        counts = dict.fromkeys(STATES, 0)
        for statement in self.statements:
            counts[statement.state] += 1
        return counts

    @property
    def evidence(self) -> dict[Digest, str]:
        """Id of each object it rests on → its description, in the order of first use."""
        objects: dict[Digest, str] = {}
        for statement in self.statements:
            for identity, what in statement.evidence:
                objects.setdefault(identity, what)
        return objects


def build_card(
    facts: CardFacts,
    answers: Iterable[CardAnswer],
    profiles: Sequence[Profile],
    form: CardForm = USUAL_FORM,
) -> CardDocument:
    """Return the card of facts, answers and profiles; equal inputs give equal bytes.

    Args:
        facts: As :func:`lyrikstore.publish.cards.facts.gather` returns them.
        answers: All logged answers about any version of its subject.
        profiles: Its profiles, in this order; no name twice.
        form: Its format.
    """
    _check_profiles(profiles)
    facts = replace(facts, form=form)
    said = say_all(facts)
    applying = [one for one in profiles if _applies(one, said)]
    questions = {one.id: one for profile in applying for one in profile.questions.values()}
    rules = [rule for profile in applying for rule in profile.contradictions]
    given = in_force(answers)
    answered = {
        name: _answered(question, given.get(name, ()), rules, said, facts)
        for name, question in questions.items()
    }
    statements = (*said, *(one for found in answered.values() for one in found))
    by_fact: dict[str, list[str]] = {}
    for one in said:
        by_fact.setdefault(one.fact, []).append(one.id)
    states = {one.id: one.state for one in statements}
    strict = form.claims_by_evidence
    shown = [_profile(one, one in applying, by_fact, answered, states, strict) for one in profiles]
    credentials = {one.evidence[0][0] for found in answered.values() for one in found if one.by}
    document = CardDocument(
        content={},
        statements=statements,
        open={one["profile"]: one["open"] for one in shown},
        answers=tuple(sorted(credentials, key=str)),
    )
    content: dict[str, JSON] = {
        "format": form.format,
        **({"withData": [*form.with_data]} if form.with_data else {}),
        "subject": {
            "kind": facts.subject.kind,
            "name": facts.subject.name,
            "id": str(facts.subject.id),
            "created": facts.subject.created,
            "tree": str(facts.subject.tree),
            "files": str(facts.subject.files),
            "store": str(facts.store),
            "origin": facts.origin,
            "index": facts.log_index,
        },
        "profiles": shown,
        "questions": [
            _question(question, answered[name], said) for name, question in questions.items()
        ],
        "statements": [one.to_json() for one in statements],
        "counts": {state: count for state, count in document.states.items() if count},
        "evidence": [
            {"id": str(identity), "what": what} for identity, what in document.evidence.items()
        ],
    }
    # Parsed again, with its order of members, so that renderings use exactly what readers have.
    data = encode(content)
    if len(data) > MAX_CARD:
        raise InvalidInputError(
            "too-large",
            f"the card has {pluralize(len(data), 'byte')}; at most {MAX_CARD:,} are allowed",
            hint="name fewer profiles",
        )
    parsed: Any = parse(data, max_bytes=MAX_CARD)
    return CardDocument(parsed, statements, document.open, document.answers)


def read_content(data: bytes) -> dict[str, Any]:
    """Parse a ``card.json`` and check it against its schema.

    Raises:
        LyrikstoreError: As :func:`parse` and :func:`check_schema`.
    """
    content: Any = parse(data, max_bytes=MAX_CARD)
    check_schema(content, "card")
    return dict(content)


def shown_beside(question: CardQuestion, statements: Iterable[CardStatement]) -> dict[str, str]:
    """Return the statements shown beside a question, at most `MAX_SHOWN`: id → text."""
    wanted = set(question.shows)
    found = [one for one in statements if one.fact in wanted and one.text]
    return {one.id: one.text for one in found[:MAX_SHOWN]}


def _check_profiles(profiles: Sequence[Profile]) -> None:
    # ATTACK: a user's profile asks an easier question under the name of another profile's.
    known: dict[str, CardQuestion] = {}
    for profile in profiles:
        for question in profile.questions.values():
            if known.setdefault(question.id, question) != question:
                raise InvalidInputError(
                    "two-questions",
                    f"two profiles have different questions with the name {question.id!r}",
                    hint="rename the question in your own profile",
                )
    names = [one.name for one in profiles]
    if len(set(names)) < len(names):
        twice = next(one for one in names if names.count(one) > 1)
        raise InvalidInputError("two-of-a-name", f"two profiles have the name {twice}")


def _applies(profile: Profile, statements: Iterable[CardStatement]) -> bool:
    if not profile.applies:
        return True
    fact, value = profile.applies["fact"], profile.applies["value"]
    return any(one.value == value for one in statements if one.fact == fact)


def _answered(
    question: CardQuestion,
    answers: Sequence[CardAnswer],
    rules: Sequence[Contradiction],
    said: Sequence[CardStatement],
    facts: CardFacts,
) -> list[CardStatement]:
    shown = shown_beside(question, said)
    found = [
        with_document(
            answer_statement(
                one, question, facts.subject.id, shown, rules, said, own=_is_own(facts, one)
            ),
            facts.named_by.get(one.credential),
        )
        for one in answers
    ]
    if found:
        return found
    own = (facts.subject.id, f"{facts.subject.kind} {facts.subject.name}")
    text = "not established: nobody has answered"
    name = f"answer.{question.id}"
    return [CardStatement(name, question.asks, text, "not-established", (own,))]


def _is_own(facts: CardFacts, answer: CardAnswer) -> bool:
    """Return whether whoever made the subject, its run or the card gave an answer."""
    if not facts.form.claims_by_evidence:
        return False
    keys = {one.signer for one, _ in facts.said if one.id == answer.credential}
    return not facts.developers.isdisjoint({answer.by, *keys})


def _profile(
    profile: Profile,
    applies: bool,
    by_fact: Mapping[str, list[str]],
    answered: Mapping[str, list[CardStatement]],
    states: Mapping[str, str],
    strict: bool,
) -> dict[str, Any]:
    asked = profile.items if applies else ()
    items = [_item(one, by_fact, answered, states, strict) for one in asked]
    found: dict[str, Any] = {
        "profile": profile.id,
        "digest": str(profile.digest),
        "title": profile.title,
        "jurisdiction": profile.jurisdiction,
        "asOf": profile.as_of,
        "reviewedBy": profile.reviewed_by,
        "banner": profile.banner,
        "sources": [dict(one) for one in profile.sources],
        "items": items,
        "open": sum(one["open"] and (one["required"] or one["contradicted"]) for one in items),
    }
    if not applies:
        found["doesNotApply"] = profile.applies["otherwise"]
    return found


def _item(
    item: ProfileItem,
    by_fact: Mapping[str, list[str]],
    answered: Mapping[str, list[CardStatement]],
    states: Mapping[str, str],
    strict: bool,
) -> dict[str, Any]:
    found = [one for fact in item.fill for one in by_fact.get(fact, ())]
    given = answered.get(item.question, ())
    answers = [one.id for one in given]
    answered_by = item.answered_by if strict else ()
    # An item has a question if facts alone do not answer it; without one, facts must answer it.
    is_open = all(states[one] in OPEN for one in found)
    if answered_by:
        # ATTACK A202: evidence of another kind, or about one of several datasets, as an answer.
        kinds = [states[one] for one in found]
        is_open = any(one in OPEN for one in kinds) or not {*kinds} & {*answered_by}
    against = False
    if item.question:
        # In log order: an answer that facts contradict reopens an item that others had answered.
        decided = [states[one] for one in answers if states[one] not in {"stale", *_UNKNOWN}]
        against = decided[-1:] == ["contradicted"]
        closing = closing_answers(
            (GivenAnswer(one.id, one.state, one.own) for one in given), answered_by or CLOSING
        )
        is_open = not closing or against
    result: dict[str, Any] = {
        "id": item.id,
        "clause": item.clause,
        "asks": item.asks,
        "required": item.required,
        "statements": [*answers, *found],
        "open": is_open,
        "contradicted": against,
    }
    if item.question:
        result["question"] = item.question
    if answered_by:
        result["answeredBy"] = list(answered_by)
    return result


def _question(
    question: CardQuestion, answers: Sequence[CardStatement], said: Sequence[CardStatement]
) -> dict[str, Any]:
    return {
        "id": question.id,
        "asks": question.asks,
        "guidance": question.guidance,
        "choices": list(question.choices),
        "shows": list(shown_beside(question, said)),
        "statements": [one.id for one in answers],
    }
