"""An expert, or whoever made a model, signs answers to what its card asks (spec §20.8)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import parse
from lyrikstore.canon.text import unknown_word
from lyrikstore.canon.timestamps import Clock
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.card_attestation import TYPES, build_card_attestation
from lyrikstore.credentials.model.credential import CARD_ATTESTATION
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.answer import CardAnswer, in_force
from lyrikstore.publish.cards.card import answers_of, draft_card
from lyrikstore.publish.cards.document import read_content
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.gathering.form import USUAL_FORM, CardForm
from lyrikstore.publish.cards.profiles.profile import Profile
from lyrikstore.publish.identity.issuer import Issuance, Issuer
from lyrikstore.publish.issue.attest import MAX_VALIDITY
from lyrikstore.publish.issue.issue import IssuedCredential, issue_alone


def attest_card(
    card: bytes,
    kind: str,
    statement: Mapping[str, Any],
    issuance: Issuance | None = None,
    *,
    signer: Signer,
    clock: Clock,
    valid_for: timedelta | None = None,
) -> IssuedCredential:
    """Return a signed attestation about what this is the card of, or the draft of a card.

    Args:
        card: ``card.json``.
        kind: ``answers`` or ``challenge``.
        statement: As
            :func:`lyrikstore.credentials.model.card_attestation.parse_card_statement` gives it.
        issuance: In whose name; None: the signer's.
        signer: Whoever attests, or signs for the organisation that does.
        clock: Start of validity.
        valid_for: How long; None for no end.

    Raises:
        InvalidInputError: (``not-a-card``) it is no ``card.json``; (``unknown-question``,
            ``unknown-statement``) the card asks or says no such thing; (``bad-choice``) an answer
            is none of the choices; (``bad-answers``, ``bad-validity``) else.
    """
    if valid_for is not None and not timedelta(0) < valid_for <= MAX_VALIDITY:
        raise InvalidInputError("bad-validity", "an attestation is valid for at most ten years")
    found = _read(card)
    texts = {one["id"]: one["text"] for one in found["statements"]}
    questions = {one["id"]: one for one in found["questions"]}
    for name, answer in statement.get("answers", {}).items():
        if name not in questions:
            raise unknown_word("unknown-question", "question", name, questions)
        if isinstance(answer, Mapping):  # of anything else the schema says what is wrong
            _check_choice(name, answer, questions[name]["choices"])
    for name in statement.get("challenges", ()):
        if str(name) not in texts:
            raise unknown_word("unknown-statement", "statement", str(name), texts)
    seen = {
        name: {shown: texts[shown] for shown in questions[name]["shows"] if shown in texts}
        for name in statement.get("answers", {})
    }
    start, issuance = clock(), issuance or Issuance()
    issuer = Issuer.of(signer, issuance.organisation, issuance.did_document, start)
    until = None if valid_for is None else start + valid_for
    document = build_card_attestation(
        issuer.metadata(issuance, CARD_ATTESTATION, start, until),
        subject_of(found),
        kind=kind,
        card=Digest.of(card).urn,
        statement=statement,
        asked={name: one["asks"] for name, one in questions.items()},
        seen=seen,
    )
    return issue_alone(document, issuer, clock)


def answer_card(
    context: StoreContext,
    subject: Manifest,
    statement: Mapping[str, Any],
    *,
    profiles: Sequence[Profile] = (),
    form: CardForm = USUAL_FORM,
) -> Digest | None:
    """Sign answers with the key of the store's own user, and log them; None if they are there.

    Args:
        context: The store, and whose answers they are.
        subject: What the card is about.
        statement: As for :func:`attest_card`.
        profiles: As for :func:`lyrikstore.publish.cards.card.make_card`.
        form: Likewise.

    Raises:
        LyrikstoreError: As :func:`attest_card` and
            :func:`lyrikstore.publish.cards.card.draft_card`.
    """
    repository, signer = context.repository, context.signer()
    draft = draft_card(repository, subject, profiles, form)
    made = attest_card(draft.data, "answers", statement, signer=signer, clock=context.clock)
    given = parse(made.data)
    new = in_force(CardAnswer.all_of(given, made.id, 0))
    facts = gather(repository, subject)
    old = in_force(one for one in answers_of(facts) if one.by == signer.did)
    if all(_same(new[name][0], old.get(name, [])) for name in new):
        return None
    with open_transaction(repository) as transaction:
        transaction.log_credential(made.data)
        transaction.commit()
    return made.id


def subject_of(card: Mapping[str, Any]) -> dict[str, str]:
    """Return how an attestation names what a card is about: type, ids as URNs, and its name."""
    subject = card["subject"]
    wanted = {"id": "tree", "files": "files", "manifest": "id", "store": "store"}
    found = {name: Digest.parse(subject[member]).urn for name, member in wanted.items()}
    return {"type": TYPES[subject["kind"]], **found, "name": subject["name"]}


def _read(card: bytes) -> dict[str, Any]:
    try:
        return read_content(card)
    except FormatError as error:
        raise InvalidInputError(
            "not-a-card",
            f"it is no card.json that this version knows: {error.message}",
            hint="lyrikstore card NAME --draft DIR writes one",
        ) from None


def _check_choice(name: str, answer: Mapping[str, Any], choices: Sequence[str]) -> None:
    choice, state = answer.get("choice"), answer.get("state", "value")
    if choice is not None and choice not in choices:
        raise unknown_word("bad-choice", f"choice for {name}", str(choice), choices)
    if choices and choice is None and state == "value":
        raise InvalidInputError(
            "bad-choice",
            f"{name}: an answer chooses one of {len(choices)}, and gives the reason as text",
            hint=f"choice is one of: {'; '.join(choices)}",
        )


def _same(one: CardAnswer, others: Sequence[CardAnswer]) -> bool:
    def said(answer: CardAnswer) -> tuple[object, ...]:
        return answer.state, answer.text, answer.choice, answer.scope, dict(answer.seen)

    return any(said(one) == said(other) and one.about == other.about for other in others)
