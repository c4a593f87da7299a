"""Making, drafting and reading cards of models and datasets (spec §14.4)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import ConflictError, InvalidInputError, PolicyError
from lyrikstore.canon.json import JSON
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.publish.cards.answer import CardAnswer, in_force
from lyrikstore.publish.cards.document import MAX_CARD, CardDocument, build_card, read_content
from lyrikstore.publish.cards.facts import CardFacts, gather, role_of
from lyrikstore.publish.cards.gathering.credentials import opinions_on
from lyrikstore.publish.cards.gathering.form import (
    FORMATS,
    USUAL_FORM,
    WITH_OPINIONS,
    WITHOUT_OPINIONS,
    CardForm,
)
from lyrikstore.publish.cards.organisations import LoggedDocuments
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile, shipped_profiles
from lyrikstore.publish.cards.rendering.renderings import ROLES, check_role, render, version_of
from lyrikstore.verify.store.statements.approvals import decisions_on

USUAL = {"checkpoint": "huggingface", "dataset": "dataset"}
"""Kind of the subject → default profile of its first card."""

MAX_PROFILES = 32


class CardResult(Struct, frozen=True):
    """A signed card.

    Attributes:
        manifest: The signed card manifest.
        document: Its content.
        renderings: Role of the attachment → bytes: ``card`` is ``card.json``.
        log_index: Log index of the manifest.
        changed: Whether a new manifest was logged; False if the current card has the same content.
        unasked: Id of an answered question that no profile of the card has → the profiles shipped
            with lyrikstore that have it.
    """

    manifest: Manifest
    document: CardDocument
    renderings: Mapping[str, bytes]
    log_index: int
    changed: bool
    unasked: Mapping[str, Sequence[str]]


def make_card(
    context: StoreContext,
    subject: Manifest,
    *,
    profiles: Sequence[Profile] = (),
    form: CardForm = USUAL_FORM,
    rendering: str = "",
    leave_out: bool = False,
) -> CardResult:
    """Make, sign and log the card of a checkpoint or a dataset.

    The card is a pure function of the signed objects, the attested answers, and the profiles: a
    second call makes the same card and logs nothing. A card with an approval or a withdrawal stays
    as it was signed, for every caller: a rendering that it lacks is drawn, but not signed.

    Args:
        context: The store, and the signer of the card.
        subject: A logged manifest of it, of a checkpoint or a dataset.
        profiles: Profiles of the card; empty: those of the current card, or :data:`USUAL`.
        form: Format of the card, whatever that of the current card is.
        rendering: A rendering that it must have, such as ``pdf``; all others are made if possible.
        leave_out: Omit the unsigned answers of a card of version 0.1.0.

    Raises:
        InvalidInputError: (``wrong-object``) neither checkpoint nor dataset; (``other-kind``) a
            profile for another kind; (``two-of-a-name``) two profiles with the same name.
        NotFoundError, IncompleteError, VerificationError: Part of the ancestry is not in the store,
            lost or damaged.
        ConflictError: (``other-card``) the card of that name has another subject.
        PolicyError: (``other-answers``) the current card has unsigned answers.
        StorageError: Storage backend error: disk full, read-only, I/O error.
        LyrikstoreError: As :func:`render`, :meth:`TransactionBuilder.commit` and
            :func:`check_role`.
    """
    repository, signer = context.repository, context.signer()
    if rendering:
        check_role(subject.kind, rendering)
    if (decided := _decided(repository, subject, profiles, form, rendering)) is not None:
        return decided
    form = form_for(repository, subject, form)
    facts, chosen, current = _prepared(repository, subject, profiles, form, signer.did)
    if current is not None and current.attachments_in("answers") and not leave_out:
        # No answer is lost silently, and none is attributed to the signer of this card.
        raise PolicyError(
            "other-answers",
            f"{current.name} ({current.id.short}) has answers that are not signed",
            hint="give and sign them again with --answers FILE, or omit them with --no-answers",
            details={"card": str(current.id)},
        )
    answers = answers_of(facts)
    document = build_card(facts, answers, chosen, form)
    unasked = _unasked(answers, chosen, subject)
    files = render(document.content)
    body = card_body(document, chosen, files, form)
    if (
        current is not None
        and current.author == signer.did
        and current.inputs == facts.inputs()
        and _has_content(current, files, chosen, body)
        and (not rendering or current.attachments_in(rendering))
    ):
        return _unchanged(repository, current, document, unasked, rendering)
    if rendering and rendering not in files:
        files |= render(document.content, [rendering])
    attachments = [Attachment(role, Digest.of(data), len(data)) for role, data in files.items()]
    attachments += [Attachment("profile", one.digest, len(one.data)) for one in chosen]
    manifest = sign_manifest(
        kind="card",
        store=repository.store_id,
        name=card_name(subject),
        body=card_body(document, chosen, files, form),
        signer=signer,
        created=repository.signing_date(context.clock),
        parents=[] if current is None else [current.id],
        inputs=facts.inputs(),
        attachments=attachments,
    )
    with open_transaction(repository) as transaction:
        for data in (*files.values(), *(one.data for one in chosen)):
            transaction.writer.put_bytes(data)
        transaction.log_manifest(manifest)
        index = transaction.commit()[0]
    return CardResult(manifest, document, files, index, changed=True, unasked=unasked)


def _decided(
    repository: Repository,
    subject: Manifest,
    profiles: Sequence[Profile],
    form: CardForm,
    rendering: str,
) -> CardResult | None:
    """Return the current card if it has a decision, and its facts are still the current ones.

    An approved card stays as it was signed, for every caller, also if this version writes cards in
    another format or has more renderings: a new card would lack the approval.
    """
    state = repository.refs.get(card_name(subject)) if subject.kind in USUAL else None
    card = None if state is None else repository.manifest(state.id)
    if card is None or card.body["profile"] not in FORMATS:
        return None
    signed_form = CardForm.of(card.body)
    decisions = decisions_on(repository, card)
    # ATTACK: an approver withdrew the approval, which a new card of the same facts would hide.
    has_decision = bool(decisions.approving or decisions.revocations)
    if signed_form.contains_values != form.contains_values or not has_decision:
        return None
    attached = [one.id for one in card.attachments_in("profile")]
    if profiles and attached != [one.digest for one in profiles]:
        return None
    facts, chosen, _ = _prepared(repository, subject, (), signed_form)
    answers = answers_of(facts)
    document = build_card(facts, answers, chosen, signed_form)
    if Digest.of(document.data) != card.attachments_in("card")[0].id:
        return None
    unasked = _unasked(answers, chosen, subject)
    return _unchanged(repository, card, document, unasked, rendering)


def _unchanged(
    repository: Repository,
    card: Manifest,
    document: CardDocument,
    unasked: Mapping[str, Sequence[str]],
    rendering: str,
) -> CardResult:
    """Return a logged card; a requested rendering that it lacks is drawn, but not signed."""
    files = {
        one.role: repository.blobs.read(one.id, max_bytes=MAX_CARD)
        for one in card.attachments
        if one.role in ROLES
    }
    if rendering and rendering not in files:
        files |= render(document.content, [rendering])
    index = repository.index_of(card.id)
    return CardResult(card, document, files, index, changed=False, unasked=unasked)


def _unasked(
    answers: Sequence[CardAnswer], profiles: Sequence[Profile], subject: Manifest
) -> dict[str, list[str]]:
    """Return answered questions that no profile of a card asks → the shipped profiles that do."""
    asked = {name for one in profiles for name in one.questions}
    shipped = [one for one in shipped_profiles().values() if one.about == subject.kind]
    return {
        name: [one.name for one in shipped if name in one.questions]
        for name, given in sorted(in_force(answers).items())
        if given and name not in asked
    }


def _has_content(
    card: Manifest,
    files: Mapping[str, bytes],
    profiles: Sequence[Profile],
    body: Mapping[str, JSON],
) -> bool:
    """Return whether a card has these profiles, this body, and no other bytes in its renderings."""
    digests = {role: Digest.of(data) for role, data in files.items()}
    if card.body.get("renderings", {}).get("pdf") != version_of("pdf"):
        digests.pop("pdf", None)  # another version of Typst gives other bytes of the same card
    attached = [one for one in card.attachments if one.role in ROLES]
    # A card with another count of open items is false: it must not stay the current card.
    same_body = {**card.body, "renderings": body["renderings"]} == body
    signed_profiles = [one.id for one in card.attachments_in("profile")]
    return (
        same_body
        and signed_profiles == [one.digest for one in profiles]
        and all(one.id == digests.get(one.role, one.id) for one in attached)
    )


def draft_card(
    repository: Repository,
    subject: Manifest,
    profiles: Sequence[Profile] = (),
    form: CardForm = USUAL_FORM,
) -> CardDocument:
    """Return the card that :func:`make_card` would sign now, without logging it.

    Arguments and errors are those of :func:`make_card`.
    """
    form = form_for(repository, subject, form)
    facts, chosen, _ = _prepared(repository, subject, profiles, form)
    return build_card(facts, answers_of(facts), chosen, form)


def read_card(context: StoreContext, ref: str | Manifest) -> dict[str, Any] | None:
    """Return the contents of the current card of a subject, or None if it has no ``card.json``.

    A card of version 0.1.0 is a text, and gives None too.

    Args:
        context: The store.
        ref: The subject of the card.

    Raises:
        NotFoundError, IncompleteError, VerificationError, FormatError: It cannot be read.
    """
    repository = context.repository
    state = repository.refs.get(card_name(context.resolve(ref)))
    current = None if state is None else repository.manifest(state.id)
    if current is None or current.body["profile"] not in FORMATS:
        return None
    attached = present_attachments(repository, current, "card")[0]
    return read_content(repository.blobs.read(attached.id, max_bytes=MAX_CARD))


def card_name(subject: Manifest) -> str:
    """Return the name of the cards of a subject; a model and a dataset of one name get two names.

    Raises:
        FormatError: (``bad-name``) the name for the card of a dataset is too long.
    """
    name = f"cards/{Name.parse(subject.name).part}"
    return name if subject.kind == "checkpoint" else str(Name.parse(f"{name}.data"))


def form_for(repository: Repository, subject: Manifest, form: CardForm) -> CardForm:
    """Return the format in which a card would be made now.

    Of ``card/6`` it is that with opinions, ``card/7``, if there are any on the model.
    """
    if form.format != WITHOUT_OPINIONS or subject.kind != "checkpoint":
        return form
    found = opinions_on(repository, subject, None, LoggedDocuments(repository, None))
    return replace(form, format=WITH_OPINIONS) if found else form


def answers_of(facts: CardFacts) -> list[CardAnswer]:
    """Return all attested answers, including revoked ones."""
    return [
        answer
        for said, index in facts.said
        for answer in CardAnswer.all_of(
            said.document, said.id, index, revoked=said.id in facts.revocations
        )
    ]


def _prepared(
    repository: Repository,
    subject: Manifest,
    profiles: Sequence[Profile],
    form: CardForm,
    signer: str = "",
) -> tuple[CardFacts, Sequence[Profile], Manifest | None]:
    if subject.kind not in USUAL:
        raise InvalidInputError(
            "wrong-object",
            f"{subject.name} is a {subject.kind}; only checkpoints and datasets have cards",
        )
    state = repository.refs.get(card_name(subject))
    current = None if state is None else repository.manifest(state.id)
    if current is not None and not current.inputs_in(role_of(subject)):
        raise ConflictError(
            "other-card",
            f"{current.name} is the card of another subject than {subject.name}",
        )
    chosen = (
        profiles
        or (() if current is None else profiles_of(repository, current))
        or (load_profile(USUAL[subject.kind]),)
    )
    names = [one.name for one in chosen]
    if len(set(names)) < len(names):
        twice = next(one for one in names if names.count(one) > 1)
        raise InvalidInputError("two-of-a-name", f"the profile {twice} is named twice")
    other = next((one for one in chosen if one.about != subject.kind), None)
    if other is not None:
        raise InvalidInputError(
            "other-kind",
            f"the profile {other.name} is for a {other.about}, but {subject.name} is a "
            f"{subject.kind}",
        )
    if current is not None:
        signer = signer or current.author
    return gather(repository, subject, form=form, signer=signer), chosen, current


def profiles_of(repository: Repository, card: Manifest) -> list[Profile]:
    """Return the profiles attached to a card; a card of version 0.1.0 has none."""
    from lyrikstore.publish.cards.profiles.profile import MAX_BYTES

    return [
        Profile.parse(repository.blobs.read(attached.id, max_bytes=MAX_BYTES))
        for attached in present_attachments(repository, card, "profile")[:MAX_PROFILES]
    ]


def card_body(
    document: CardDocument,
    profiles: Sequence[Profile],
    roles: Iterable[str],
    form: CardForm = USUAL_FORM,
) -> dict[str, JSON]:
    """Return the body of a card's manifest.

    Args:
        document: The card.
        profiles: Its profiles.
        roles: Its renderings, by role of the attachment; ``card`` may be among them.
        form: Its format.
    """
    states = document.states
    body: dict[str, JSON] = {
        "profile": form.format,
        **({"withData": [*form.with_data]} if form.with_data else {}),
        "statements": len(document.statements),
        "notEstablished": states["not-established"],
        "evidence": sorted(str(item) for item in document.evidence),
        "profiles": [
            {
                "profile": one.id,
                "digest": str(one.digest),
                "asOf": one.as_of,
                "open": document.open[one.id],
            }
            for one in profiles
        ],
        "states": dict(states),
        "renderings": {role: version_of(role) for role in roles if role != "card"},
    }
    if document.answers:
        body["answers"] = [str(one) for one in document.answers]
    return body
