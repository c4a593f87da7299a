"""Model cards: what signed objects say about a checkpoint, for people (spec §14.4)."""

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.timestamps import Clock
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.answers import MAX_BYTES, Responses, parse_responses
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.render import PROFILE, CardText, render_card


class CardResult(Struct, frozen=True):
    """A card.

    Attributes:
        manifest: The signed card manifest.
        text: The card: Markdown with YAML front matter, for a file ``README.md``.
        log_index: Where the manifest stands in the log.
        changed: Whether a new manifest was logged; False if the current one is this very card.
        statements: Statements in it.
        not_established: Of these, things not established.
        claimed: Of these, answers of a person.
        evidence: Every object that a statement rests on.
        kept: The answers, if they are those of the card before; else None.
    """

    manifest: Manifest
    text: bytes
    log_index: int
    changed: bool
    statements: int
    not_established: int
    claimed: int
    evidence: tuple[Digest, ...]
    kept: Responses | None = None


def make_card(
    repository: Repository,
    checkpoint: Manifest,
    *,
    signer: Signer,
    clock: Clock,
    responses: Responses | None = None,
    keep_answers: bool = True,
) -> CardResult:
    """Make, sign and log the model card of a checkpoint.

    The text is a pure function of the signed objects and the answers: made twice, it is the same,
    and the second time nothing is logged.

    Args:
        repository: The store, opened to append.
        checkpoint: A logged checkpoint manifest of it.
        signer: Signs the card.
        clock: When the card claims to be signed.
        responses: Answers of :func:`lyrikstore.publish.cards.answers.parse_responses`.
        keep_answers: Without ``responses``, keep those of the current card.

    Raises:
        InvalidInputError: (``wrong-object``) not a checkpoint.
        NotFoundError, IncompleteError, VerificationError: Part of the ancestry is not here, lost
            or damaged.
        ConflictError: (``ref-moved``) somebody else made one meanwhile.
        PolicyError: (``unauthorised``) the store's policy does not let this key sign cards;
            (``other-answers``) the current card has answers that this one cannot keep: they are
            about another version of the model, or another key entered them.
        StorageError: Storage backend error: disk full, read-only, I/O error.
    """
    if checkpoint.kind != "checkpoint":
        raise InvalidInputError(
            "wrong-object",
            f"{checkpoint.name} is a {checkpoint.kind}; cards are made of checkpoints",
        )
    name = f"cards/{Name.parse(checkpoint.name).part}"
    state = repository.refs.get(name)
    current = None if state is None else repository.manifest(state.id)
    kept = None
    if responses is None and keep_answers and current is not None:
        responses = kept = _kept_answers(repository, current, checkpoint, signer.did)
    facts = gather(repository, checkpoint)
    card = render_card(facts, responses, author=signer.did)
    attachments = [Attachment("card", Digest.of(card.data), len(card.data))]
    if responses is not None:
        attachments.append(Attachment("answers", responses.id, len(responses.data)))
    if (
        current is not None
        and current.author == signer.did
        and list(current.attachments) == attachments
        and current.inputs == facts.inputs()
    ):
        index = repository.index_of(current.id)
        return _result(current, index, card, changed=False, kept=kept)
    manifest = sign_manifest(
        kind="card",
        store=repository.store_id,
        name=name,
        body={
            "profile": PROFILE,
            "statements": card.statements,
            "notEstablished": card.not_established,
            "evidence": sorted(str(item) for item in card.evidence),
        },
        signer=signer,
        created=clock(),
        parents=[] if current is None else [current.id],
        inputs=facts.inputs(),
        attachments=attachments,
    )
    with open_transaction(repository) as transaction:
        transaction.writer.put_bytes(card.data)
        if responses is not None:
            transaction.writer.put_bytes(responses.data)
        transaction.log_manifest(manifest)
        index = transaction.commit()[0]
    return _result(manifest, index, card, changed=True, kept=kept)


def _kept_answers(
    repository: Repository, current: Manifest, checkpoint: Manifest, author: str
) -> Responses | None:
    """Return the answers of the current card, if it has any that may stand in the next one."""
    found = current.attachments_in("answers")
    if not found:
        return None
    if current.inputs_in("checkpoint")[0].id != checkpoint.id:
        whose = "are about another version of the model"
    elif current.author != author:
        whose = f"were entered by {current.author}"
    else:
        return parse_responses(repository.blobs.read(found[0].id, max_bytes=MAX_BYTES))
    # To repeat them would say what nobody said: that they are about this one, or by this key.
    raise PolicyError(
        "other-answers",
        f"the answers in {current.name} ({current.id.short}) {whose}",
        hint="give them for this card with --answers FILE, or leave them out with --no-answers",
        details={"card": str(current.id), "answers": str(found[0].id)},
    )


def _result(
    manifest: Manifest, index: int, card: CardText, *, changed: bool, kept: Responses | None
) -> CardResult:
    return CardResult(
        manifest=manifest,
        text=card.data,
        log_index=index,
        changed=changed,
        statements=card.statements,
        not_established=card.not_established,
        claimed=card.claimed,
        evidence=card.evidence,
        kept=kept,
    )
