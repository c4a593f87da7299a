"""Attestations about cards: experts and makers sign answers to a card's questions (spec §20.8)."""

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
    """Return a signed attestation about the model or dataset of a card, or of the draft of a card.

    Args:
        card: ``card.json``.
        kind: ``answers`` or ``challenge``.
        statement: The attested statement, as
            :func:`lyrikstore.credentials.model.card_attestation.parse_card_statement` returns it.
        issuance: The issuer's name; None: the signer issues.
        signer: The attester, or a person who signs for the organisation that attests.
        clock: The current time, which is the start of validity.
        valid_for: Validity from now; None for no end.

    Raises:
        InvalidInputError: (``not-a-card``) ``card`` is no ``card.json``; (``unknown-question``,
            ``unknown-statement``) the card has no such question or statement; (``bad-choice``) an
            answer is none of the choices; (``bad-answers``) the statement is malformed;
            (``bad-validity``) the validity is not positive, or more than ten years.
    """
    if valid_for is not None and not timedelta(0) < valid_for <= MAX_VALIDITY:
        raise InvalidInputError(
            "bad-validity", "the validity of an attestation must be above zero, at most ten years"
        )
    content = _read(card)
    texts = {one["id"]: one["text"] for one in content["statements"]}
    questions = {one["id"]: one for one in content["questions"]}
    for name, answer in statement.get("answers", {}).items():
        if name not in questions:
            raise unknown_word("unknown-question", "question", name, questions)
        if isinstance(answer, Mapping):  # the schema refuses all other values
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
        subject_of(content),
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
    """Sign and log answers with the key of the store's user; return None if they are logged.

    Args:
        context: The store, and the signer who answers.
        subject: The model or dataset of the card.
        statement: As for :func:`attest_card`.
        profiles: As for :func:`lyrikstore.publish.cards.card.make_card`.
        form: As for :func:`lyrikstore.publish.cards.card.make_card`.

    Raises:
        LyrikstoreError: As :func:`attest_card` and
            :func:`lyrikstore.publish.cards.card.draft_card`.
    """
    repository, signer = context.repository, context.signer()
    draft = draft_card(repository, subject, profiles, form)
    issued = attest_card(draft.data, "answers", statement, signer=signer, clock=context.clock)
    new = in_force(CardAnswer.all_of(parse(issued.data), issued.id, 0))
    facts = gather(repository, subject)
    old = in_force(answer for answer in answers_of(facts) if answer.by == signer.did)
    if all(_same(new[name][0], old.get(name, [])) for name in new):
        return None
    with open_transaction(repository) as transaction:
        transaction.log_credential(issued.data)
        transaction.commit()
    return issued.id


def subject_of(card: Mapping[str, Any]) -> dict[str, str]:
    """Return the subject of a card as an attestation states it: type, ids as URNs, name."""
    subject = card["subject"]
    members = {"id": "tree", "files": "files", "manifest": "id", "store": "store"}
    ids = {name: Digest.parse(subject[member]).urn for name, member in members.items()}
    return {"type": TYPES[subject["kind"]], **ids, "name": subject["name"]}


def _read(card: bytes) -> dict[str, Any]:
    try:
        return read_content(card)
    except FormatError as error:
        raise InvalidInputError(
            "not-a-card",
            f"the file is not a card.json that this version can read: {error.message}",
            hint="write one: lyrikstore card NAME --draft DIR",
        ) from None


def _check_choice(name: str, answer: Mapping[str, Any], choices: Sequence[str]) -> None:
    choice, state = answer.get("choice"), answer.get("state", "value")
    if choice is not None and choice not in choices:
        raise unknown_word("bad-choice", f"choice for {name}", str(choice), choices)
    if choices and choice is None and state == "value":
        raise InvalidInputError(
            "bad-choice",
            f"the answer to {name} has no choice; it must choose one of {len(choices)}, and give "
            "the reason as text",
            hint=f"choices: {'; '.join(choices)}",
        )


def _same(one: CardAnswer, others: Sequence[CardAnswer]) -> bool:
    def content(answer: CardAnswer) -> tuple[object, ...]:
        return answer.state, answer.text, answer.choice, answer.scope, dict(answer.seen)

    return any(content(one) == content(other) and one.about == other.about for other in others)
