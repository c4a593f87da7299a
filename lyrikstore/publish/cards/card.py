"""Cards of models and datasets: what signed objects and people say of them (spec §14.4)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

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
from lyrikstore.publish.cards.gathering.form import FORMATS, USUAL_FORM, CardForm
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile, shipped_profiles
from lyrikstore.publish.cards.rendering.renderings import ROLES, check_role, render, version_of
from lyrikstore.verify.store.statements.approvals import decisions_on

USUAL = {"checkpoint": "huggingface", "dataset": "dataset"}
"""What a first card is about → its profile, where none is named."""

MAX_PROFILES = 32


class CardResult(Struct, frozen=True):
    """A card.

    Attributes:
        manifest: The signed card manifest.
        document: What it means.
        renderings: Role of the attachment → bytes: ``card`` is ``card.json``.
        log_index: Where the manifest stands in the log.
        changed: Whether a new manifest was logged; False if the current one is this very card.
        unasked: Question that people answered and none of its profiles asks → the profiles that
            come with lyrikstore and ask it.
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

    The card is a pure function of the signed objects, what people attested, and the profiles: made
    twice, it is the same, and the second time nothing is logged. So it is with one that somebody
    decided about, whoever asks: a rendering that it lacks is drawn, and nobody signs it.

    Args:
        context: The store, and who signs the card.
        subject: A logged manifest of it: what the card is about.
        profiles: What it answers; empty: those of the current card, or :data:`USUAL`.
        form: How it is written, whatever the card before was.
        rendering: A rendering that it has to have, such as ``pdf``; the others are those that can
            be made here.
        leave_out: Leave out the unsigned answers of a card of version 0.1.0.

    Raises:
        InvalidInputError: (``wrong-object``) neither checkpoint nor dataset; (``other-kind``) a
            profile of something else; (``two-of-a-name``) two profiles with one name.
        NotFoundError, IncompleteError, VerificationError: Part of the ancestry is not here, lost or
            damaged.
        ConflictError: (``other-card``) the card of that name is about something else.
        PolicyError: (``other-answers``) the current card has answers that nobody signed.
        StorageError: Storage backend error: disk full, read-only, I/O error.
        LyrikstoreError: As :func:`render`, :meth:`TransactionBuilder.commit` and
            :func:`check_role`.
    """
    repository, signer = context.repository, context.signer()
    if rendering:
        check_role(subject.kind, rendering)
    if (decided := _decided(repository, subject, profiles, form, rendering)) is not None:
        return decided
    facts, chosen, current = _prepared(repository, subject, profiles, form)
    if current is not None and current.attachments_in("answers") and not leave_out:
        # None is lost unasked, and none is put into the mouth of whoever signs this card.
        raise PolicyError(
            "other-answers",
            f"{current.name} ({current.id.short}) has answers that nobody signed",
            hint="leave them out with --no-answers; --answers FILE gives them anew, and signs them",
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
        and _says(current, files, chosen, body)
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
    """Return the current card if somebody decided about it, and its facts are those of now.

    It stays what was approved, whoever asks, in whatever form this version writes others, and where
    more can be rendered than was: a card beside it would be one that nobody approved.
    """
    state = repository.refs.get(card_name(subject)) if subject.kind in USUAL else None
    card = None if state is None else repository.manifest(state.id)
    if card is None or card.body["profile"] not in FORMATS:
        return None
    signed_form = CardForm.of(card.body)
    made = decisions_on(repository, card)
    # ATTACK: who approved it took that back, and a card of the same facts would hide it.
    if signed_form.tells_values != form.tells_values or not (made.approving or made.withdrawn):
        return None
    asked = [one.id for one in card.attachments_in("profile")]
    if profiles and asked != [one.digest for one in profiles]:
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
    """Return a card that is logged; what it lacks of what is asked for is drawn, and not signed."""
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
    """Return what was answered and is asked by no profile of a card, and which profiles ask it."""
    asked = {name for one in profiles for name in one.questions}
    shipped = [one for one in shipped_profiles().values() if one.about == subject.kind]
    return {
        name: [one.name for one in shipped if name in one.questions]
        for name, given in sorted(in_force(answers).items())
        if given and name not in asked
    }


def _says(
    card: Manifest,
    files: Mapping[str, bytes],
    profiles: Sequence[Profile],
    body: Mapping[str, JSON],
) -> bool:
    """Return whether a card is these files, as far as it has them, and says this of them."""
    made = {role: Digest.of(data) for role, data in files.items()}
    if card.body.get("renderings", {}).get("pdf") != version_of("pdf"):
        made.pop("pdf", None)  # another version of its maker gives other bytes of the same card
    attached = [one for one in card.attachments if one.role in ROLES]
    # A card with another count of what is open is a false one: it must not stay the current card.
    said = {**card.body, "renderings": body["renderings"]} == body
    asked = [one.id for one in card.attachments_in("profile")]
    return (
        said
        and asked == [one.digest for one in profiles]
        and all(one.id == made.get(one.role, one.id) for one in attached)
    )


def draft_card(
    repository: Repository,
    subject: Manifest,
    profiles: Sequence[Profile] = (),
    form: CardForm = USUAL_FORM,
) -> CardDocument:
    """Return the card that :func:`make_card` would sign now; nothing is logged.

    Arguments and errors are those of :func:`make_card`.
    """
    facts, chosen, _ = _prepared(repository, subject, profiles, form)
    return build_card(facts, answers_of(facts), chosen, form)


def read_card(context: StoreContext, ref: str | Manifest) -> dict[str, Any] | None:
    """Return what the current card of a name holds; None: there is none of ours.

    None, too, of a card of version 0.1.0, which is a text.

    Args:
        context: The store.
        ref: What the card is about.

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
    """Return the name of the cards of a checkpoint or a dataset, which can have the same name.

    Raises:
        FormatError: (``bad-name``) a dataset's is too long.
    """
    called = f"cards/{Name.parse(subject.name).part}"
    return called if subject.kind == "checkpoint" else str(Name.parse(f"{called}.data"))


def answers_of(facts: CardFacts) -> list[CardAnswer]:
    """Return every answer that was attested, and whether it was taken back."""
    return [
        answer
        for said, index in facts.said
        for answer in CardAnswer.all_of(
            said.document, said.id, index, withdrawn=said.id in facts.withdrawn
        )
    ]


def _prepared(
    repository: Repository, subject: Manifest, profiles: Sequence[Profile], form: CardForm
) -> tuple[CardFacts, Sequence[Profile], Manifest | None]:
    if subject.kind not in USUAL:
        raise InvalidInputError(
            "wrong-object",
            f"{subject.name} is a {subject.kind}; cards are made of checkpoints and datasets",
        )
    state = repository.refs.get(card_name(subject))
    current = None if state is None else repository.manifest(state.id)
    if current is not None and not current.inputs_in(role_of(subject)):
        raise ConflictError("other-card", f"{current.name} is the card of something else")
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
            f"the profile {other.name} is for a {other.about}, and {subject.name} is none",
        )
    return gather(repository, subject, form=form), chosen, current


def profiles_of(repository: Repository, card: Manifest) -> list[Profile]:
    """Return the profiles attached to a card; none of one of version 0.1.0."""
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
        profiles: What it answers.
        roles: Its renderings, by role of the attachment; ``card`` may be among them.
        form: How it is written.
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
