"""The closed vocabulary: all facts that a card can contain (spec §14.4.3).

A profile with a fact that is not in the vocabulary is refused. Names are append-only.

* **fact**: a name of the vocabulary, with the function that finds its values.
* **subject**: what a value is about, if a fact has several: a dataset, a label, an evaluation.
* **evidence**: the signed objects that a value rests on.
* **state**: how a value was established: measured, derived, stated, attested, decided.
* **values of the data**: labels and parts of file names, which a card omits unless requested.

Example:
    >>> from lyrikstore.publish.cards.vocabulary import VOCABULARY
    >>> VOCABULARY["model.task"].of, "data.licence" in VOCABULARY
    ('checkpoint', True)
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.organisations import with_document
from lyrikstore.publish.cards.statement import CardStatement, Said, statement
from lyrikstore.publish.cards.vocabulary import (
    composition,
    data,
    evaluation,
    identifiers,
    model,
    opinions,
    personal,
    reviews,
    rights,
    rules,
    subject,
    training,
)
from lyrikstore.publish.cards.vocabulary.fact import Fact


def _of_models(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {name: replace(fact, of="checkpoint") for name, fact in facts.items()}


VOCABULARY: Mapping[str, Fact] = MappingProxyType(
    {
        **subject.FACTS,
        **_of_models(model.FACTS),
        **_of_models(opinions.FACTS),
        **data.FACTS,
        **composition.FACTS,
        **personal.FACTS,
        **identifiers.FACTS,
        **reviews.FACTS,
        **rights.FACTS,
        **_of_models(rights.OF_USE),
        **_of_models(rules.FACTS),
        **_of_models(training.FACTS),
        **_of_models(evaluation.FACTS),
    }
)
"""Name → fact, in the order of a card."""


def card_facts() -> dict[str, str]:
    """Return every fact that a profile can name, and its description, in the order of a card."""
    return {name: fact.about for name, fact in VOCABULARY.items()}


def say_all(facts: CardFacts) -> list[CardStatement]:
    """Return all statements from signed objects, one for each fact and subject.

    Args:
        facts: The inputs of the card.

    Raises:
        FormatError: (``bad-body``) an object lacks a member that a fact needs.
    """
    found: dict[str, CardStatement] = {}
    named_by = facts.named_by
    for name, fact in VOCABULARY.items():
        if fact.of not in {"", facts.subject.kind}:
            continue
        for said in _found(name, fact, facts):
            one = statement(name, fact.title, said)
            one = with_document(one, named_by.get(one.evidence[0][0]) if one.by else None)
            # Of two with one id, such as labels that differ in hidden characters, both are said.
            at, base = 2, one.id
            while one.id in found:
                one = replace(one, id=f"{base} {at}")
                at += 1
            found[one.id] = one
    return list(found.values())


def _found(name: str, fact: Fact, facts: CardFacts) -> list[Said]:
    try:
        return list(fact.find(facts))
    except LyrikstoreError:
        raise
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # ATTACK: a body that its schema allows, such as an evaluation of no records.
        raise FormatError(
            "bad-body",
            f"{name} rests on an object in a format that this version does not know",
            hint="upgrade lyrikstore, or ask the signer of the object",
        ) from error
