"""Attested answers of people to the questions of a card (spec §14.4.5, §20.8)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.publish.cards.profiles.profile import CardQuestion, Contradiction
from lyrikstore.publish.cards.statement import MAX_TEXT, OPEN, CardStatement
from lyrikstore.publish.markdown import plain

KINDS = ("answers", "challenge")
"""Kinds of attestations about a card."""


class CardAnswer(Struct, frozen=True):
    """One answer to a question of a card, and its attester.

    Attributes:
        question: Id of the question.
        state: ``value``, ``unknown`` or ``not-applicable``.
        text: The answer, or its reason.
        choice: The chosen option; may be empty.
        scope: ``name`` if it holds for every version of the name, else ``version``.
        seen: Statement → its text, as shown beside the question.
        by: DID of the attester.
        person: Name of the attester; may be empty.
        credential: The attestation.
        about: Id of the manifest that it is about.
        index: Log index of the attestation.
        liability: What the attester is liable for, in their words.
        asks: Text of the question that they answered.
        made: Start of its validity, as the attester states it.
        until: End of its validity; may be empty.
        revoked: Whether it was revoked or suspended.
    """

    question: str
    state: str
    text: str
    choice: str
    scope: str
    seen: Mapping[str, str]
    by: str
    person: str
    credential: Digest
    about: Digest
    index: int
    liability: str = ""
    asks: str = ""
    made: str = ""
    until: str = ""
    revoked: bool = False

    @classmethod
    def all_of(
        cls, document: Mapping[str, Any], credential: Digest, index: int, *, revoked: bool = False
    ) -> list[Self]:
        """Return the answers in a well-formed attestation.

        Args:
            document: The attestation.
            credential: BLAKE3 of its bytes.
            index: Its log index.
            revoked: Whether it was revoked or suspended.
        """
        issuer, subject = document["issuer"], document["credentialSubject"]
        attester = issuer if isinstance(issuer, dict) else {"id": issuer}
        return [
            cls(
                question=one["question"],
                state=one["state"],
                text=one["text"],
                choice=one.get("choice", ""),
                scope=one["scope"],
                seen={seen["statement"]: seen["text"] for seen in one.get("seen", ())},
                by=attester["id"],
                person=attester.get("name", ""),
                credential=credential,
                about=Digest.parse_urn(subject["manifest"]),
                index=index,
                liability=subject["attestation"]["liability"],
                asks=one["asks"],
                made=document["validFrom"],
                until=document.get("validUntil", ""),
                revoked=revoked,
            )
            for one in subject["attestation"].get("answers", ())
        ]


def in_force(answers: Iterable[CardAnswer]) -> dict[str, list[CardAnswer]]:
    """Return question → the newest answer of each person, unless it was revoked, in log order.

    The newest answer is that with the latest date that its attester states: an old answer can be
    imported into the store after a new one.
    """
    newest: dict[str, dict[str, CardAnswer]] = {}
    for answer in sorted(answers, key=lambda answer: (answer.made, answer.index)):
        newest.setdefault(answer.question, {})[answer.by] = answer
    return {
        question: sorted(
            (answer for answer in people.values() if not answer.revoked),
            key=lambda answer: answer.index,
        )
        for question, people in newest.items()
    }


def answer_statement(
    answer: CardAnswer,
    question: CardQuestion,
    subject: Digest,
    shown: Mapping[str, str],
    rules: Sequence[Contradiction],
    statements: Sequence[CardStatement],
    *,
    own: bool = False,
) -> CardStatement:
    """Return an answer as a statement, with its state: attested, stale or contradicted by facts.

    Args:
        answer: The answer.
        question: The question.
        subject: Id of the manifest that the card is about.
        shown: Statement → its text, of the facts that are shown beside the question now.
        rules: The rules of the profiles.
        statements: All statements from signed objects.
        own: Whether it is by whoever made the subject, its run or the card.
    """
    state, was = "attested", ""
    changed = [
        f"it was answered about another version, {answer.about.short}"
        for _ in range(answer.about != subject and answer.scope == "version")
    ]
    if answer.asks != question.asks:
        changed.append(f"the question was: {answer.asks}")
    if answer.state == "value" and question.choices and answer.choice not in question.choices:
        changed.append("the answer is none of the choices")
    new = [name for name in shown if name not in answer.seen]
    changed += [f"{name}: was not shown, is {shown[name]}" for name in new]
    changed += [
        f"{name}: was {text}, is {shown.get(name, 'not there any more')}"
        for name, text in answer.seen.items()
        if shown.get(name) != text
    ]
    changed += [
        f"{name}: was not there, is {text}"
        for name, text in shown.items()
        if answer.seen and name not in answer.seen
    ]
    against = dict.fromkeys(
        rule.because
        for rule in rules
        if rule.question == question.id
        and rule.choice == answer.choice
        and any(
            word.casefold() in one.text.casefold()
            for one in statements
            if one.fact == rule.fact and one.state not in OPEN
            for word in rule.says
        )
    )
    if answer.state == "unknown":
        state = "not-established"
    elif against:
        state, was = "contradicted", "; ".join(against)
    elif changed:
        state, was = "stale", "; ".join(changed)
    elif answer.state == "not-applicable":
        state = "not-applicable"
    ending = f", valid to {answer.until}" if answer.until else ""
    said = f"{answer.choice}: {answer.text}" if answer.choice and answer.text else answer.choice
    return CardStatement(
        id=f"answer.{question.id}:{answer.by}",
        title=question.asks,
        text=plain(said or answer.text, MAX_TEXT),
        state=state,
        evidence=((answer.credential, f"attestation with answers{ending}"),),
        by=answer.by,
        called=plain(answer.person, 200),
        was=plain(was, MAX_TEXT),
        liable=plain(answer.liability, MAX_TEXT),
        own=own,
    )


CLOSING = ("attested", "not-applicable")
"""States of an answer that closes an item."""


class GivenAnswer(Struct, frozen=True):
    """One answer to a question, as far as it decides whether an item is open.

    Attributes:
        id: Id of its statement.
        state: Its state.
        own: Whether it is by whoever made the subject, its run or the card.
    """

    id: str
    state: str
    own: bool = False


def closing_answers(
    answers: Iterable[GivenAnswer], states: Collection[str] = CLOSING
) -> frozenset[str]:
    """Return the answers to a question that close its items.

    ATTACK A201: whoever made the model answers beside an expert who does not know.

    Args:
        answers: The newest answer of each person.
        states: States in which an answer closes an item.
    """
    given = list(answers)
    is_open = any(one.state in OPEN and not one.own for one in given)
    return frozenset(one.id for one in given if one.state in states and not (one.own and is_open))
