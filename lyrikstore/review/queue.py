"""A request is logged, its queue is drawn by the log root, folders are made (spec §26.3–26.5)."""

import secrets
from collections.abc import Mapping, Sequence, Set
from itertools import chain, count
from pathlib import Path
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.transaction import TransactionBuilder, open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.issue.atomic_folder import (
    building,
    check_place,
    put_in_place,
    write_files,
)
from lyrikstore.review.asked import (
    ReviewedRecord,
    ReviewRequest,
    check_fields,
    complete_questions,
    is_open,
    labels_of_generators,
    read_reviewed,
    request_body,
    reviewed_field,
)
from lyrikstore.review.papers import folder_files
from lyrikstore.review.shown import shown_records
from lyrikstore.verify.review.decision_file import check_key
from lyrikstore.verify.review.draw import DrawableRecord, assigned, draw, own_order, seed_of
from lyrikstore.verify.review.model import (
    GUIDELINE,
    ITEMS,
    MAX_GUIDELINE_BYTES,
    QUESTIONS,
    QUEUE,
    REQUEST,
    Questions,
    QueueItem,
    ReviewerFolder,
    Round,
    encoded,
    encoded_lines,
)
from lyrikstore.verify.review.stated import requests_before, root_at


class QueuedReview(Struct, frozen=True):
    """A queue that was made.

    Attributes:
        request: The request.
        queue: The queue.
        index: Its log index.
        folders: DID → the folder of that reviewer.
        requests: How many requests for the dataset's name the log has now.
    """

    request: Manifest
    queue: Manifest
    index: int
    folders: dict[str, Path]
    requests: int


class PlannedReview(Struct, frozen=True):
    """What a request would ask for.

    Attributes:
        body: Body of the request.
        questions: The questions with every default.
        items: How many records would be drawn.
        requests: How many requests for the dataset's name the log has.
    """

    body: dict[str, Any]
    questions: Questions
    items: int
    requests: int


class _Prepared(Struct, frozen=True):
    dataset: Manifest
    records: list[ReviewedRecord]
    questions: Questions
    body: dict[str, Any]


def plan_review(context: StoreContext, ref: str, asked: ReviewRequest) -> PlannedReview:
    """Return what :func:`request_review` would ask for; nothing is signed or drawn.

    Raises:
        LyrikstoreError: As :func:`request_review`.
    """
    ready = _prepare(context.repository, ref, asked)
    records = len(ready.records)
    drawn = min(asked.sample or records, records)
    known = requests_before(context.repository, ready.dataset.name, None)
    return PlannedReview(ready.body, ready.questions, drawn, known)


def request_review(
    context: StoreContext,
    ref: str,
    asked: ReviewRequest,
    destination: Path,
    *,
    name: str = "",
    message: str = "",
) -> QueuedReview:
    """Log a request, draw its queue, and write a folder for each reviewer.

    A request of the same key and content without a queue, which an interrupted command left, is
    taken up and not repeated.

    Args:
        context: The store, opened to append; its home.
        ref: The dataset.
        asked: What is asked for.
        destination: A new folder for those of the reviewers.
        name: NAMESPACE/NAME of the queue; empty: that of the dataset.
        message: A note, signed with the request.

    Raises:
        InvalidInputError: (``not-home``) the store is a clone; (``not-a-dataset``, ``no-label``,
            ``unknown-column``, ``no-records``, ``bad-option``) it cannot be asked for.
        PolicyError: (``retired-key``) the key of a reviewer was revoked.
        ConflictError: (``not-empty``) the destination is not empty.
        LyrikstoreError: As any transaction, and as :func:`read_dataset_records`.
    """
    repository = context.repository
    if repository.is_mirror:
        raise InvalidInputError(
            "not-home",
            "a queue is drawn by the root of the home log, and this store is a clone",
            hint="ask for the review where the log is extended",
        )
    check_place(destination)
    ready = _prepare(repository, ref, asked)
    request = _log_request(context, ready, asked, _name(name or ready.dataset.name), message)
    repository.refresh()
    index = repository.index_of(request.id)
    seed = seed_of(root_at(repository, index + 1), request.id)
    drawn = draw(
        seed, (DrawableRecord(one.place, one.stratum) for one in ready.records), asked.sample
    )
    items = assigned(drawn, len(asked.reviewers), asked.overlap)
    wanted = {
        who: [one.item for one in items if at in one.reviewers]
        for at, who in enumerate(asked.reviewers)
    }
    return log_queue(
        context,
        request,
        ready.questions,
        {one.place: one for one in ready.records},
        items,
        wanted,
        destination,
        seed=seed,
    )


def log_queue(
    context: StoreContext,
    request: Manifest,
    questions: Questions,
    records: Mapping[int, ReviewedRecord],
    items: Sequence[QueueItem],
    wanted: Mapping[str, Sequence[int]],
    destination: Path,
    *,
    seed: bytes,
    review: Manifest | None = None,
    given: Mapping[int, tuple[tuple[str, ...], ...]] = {},
) -> QueuedReview:
    """Write the folders, log the queue that names them, and put them in place.

    Args:
        context: The store.
        request: The request.
        questions: Its questions.
        records: Place → record.
        items: The items.
        wanted: DID → the items that this person decides.
        destination: The folder for those of the reviewers.
        seed: The seed of the draw.
        review: In an adjudication the review whose disagreements are decided.
        given: In an adjudication item → what the reviewers said.

    Raises:
        LyrikstoreError: As :func:`request_review`.
    """
    repository, signer = context.repository, context.signer()
    dataset = repository.manifest(request.inputs_in("dataset")[0].id)
    round_: Round = "first" if review is None else "adjudication"
    guideline = _guideline(repository, request)
    places = {one.item: one.place for one in items}
    shown = {
        who: shown_records(
            request,
            questions,
            dataset,
            (
                (item, records[places[item]], given.get(item, ()))
                for item in own_order(seed, who, some)
            ),
        )
        for who, some in wanted.items()
        if some
    }
    folders = {
        who: ReviewerFolder(
            format="lyrikstore-queue/1",
            salt=secrets.token_hex(32),
            request=str(request.id),
            dataset=str(dataset.id),
            reviewer=who,
            round=round_,
            blind=request.body["blind"] and review is None,
            field=request.body["field"],
            text=text,
            guideline=guideline,
            questions=questions,
            items=some,
        )
        for who, (text, some) in shown.items()
    }
    documents = {who: encoded(one) for who, one in folders.items()}
    name = str(Name("queues", *request.name.split("/")[1:]))
    state = repository.refs.get(name)
    with building(destination) as made, open_transaction(repository) as transaction:
        queue = sign_manifest(
            kind=QUEUE,
            store=repository.store_id,
            name=name,
            body={
                "round": round_,
                "size": repository.index_of(request.id) + 1,
                "seed": seed.hex(),
                "items": len(items),
                "assignments": [
                    {
                        "reviewer": who,
                        "items": len(folders[who].items),
                        "folder": str(Digest.of(data)),
                    }
                    for who, data in documents.items()
                ],
            },
            signer=signer,
            created=repository.signing_date(context.clock),
            parents=() if state is None else (state.id,),
            inputs=[
                Input(REQUEST, REQUEST, request.id),
                Input("dataset", "dataset", dataset.id),
                *([] if review is None else [Input("review", "review", review.id)]),
            ],
            attachments=[attach(transaction, ITEMS, encoded_lines(items))],
        )
        transaction.log_manifest(queue)
        places_of: dict[str, Path] = {}
        for who, data in documents.items():
            folder = made / _folder_name(who, {path.name for path in places_of.values()})
            folder.mkdir()
            write_files(folder, folder_files(data, queue.data, request.data))
            places_of[who] = destination / folder.name
        index = transaction.commit()[0]
        put_in_place(made, destination)
    requests = requests_before(repository, dataset.name, None)
    return QueuedReview(request, queue, index, places_of, requests)


def attach(transaction: TransactionBuilder, role: str, data: bytes) -> Attachment:
    """Store bytes in a transaction; return the attachment that names them."""
    return Attachment(role, transaction.writer.put_bytes(data), len(data))


def _prepare(repository: Repository, ref: str, asked: ReviewRequest) -> _Prepared:
    dataset = repository.resolve(ref)
    if dataset.kind != "dataset":
        raise InvalidInputError(
            "not-a-dataset", f"{dataset.name} is a {dataset.kind}; records of datasets are reviewed"
        )
    if not asked.reviewers or len(set(asked.reviewers)) != len(asked.reviewers):
        raise InvalidInputError("bad-option", "no reviewer is named, or one is named twice")
    if asked.adjudicator in asked.reviewers:
        raise InvalidInputError("bad-option", "an adjudicator is none of the reviewers")
    for who in (*asked.reviewers, *filter(None, [asked.adjudicator])):
        check_key(repository.policy, who)
    field = reviewed_field(dataset, asked.questions)
    records = list(read_reviewed(repository, dataset, field, asked.by))
    if not records:
        raise InvalidInputError("no-records", f"{dataset.name} has no records to review")
    check_fields(records, asked, field)
    known = labels_of_generators(repository, dataset)
    questions = complete_questions(dataset, asked.questions, records, known)
    return _Prepared(dataset, records, questions, request_body(asked, field, len(records)))


def _log_request(
    context: StoreContext, ready: _Prepared, asked: ReviewRequest, name: str, message: str
) -> Manifest:
    repository, signer = context.repository, context.signer()
    questions, guideline = encoded(ready.questions), asked.guideline.encode()
    wanted = {(QUESTIONS, Digest.of(questions))}
    if guideline:
        wanted.add((GUIDELINE, Digest.of(guideline)))
    state = repository.refs.get(name)
    if state is not None:
        last = repository.manifest(state.id)
        same = (
            last.author == signer.did
            and last.body == ready.body
            and last.inputs_in("dataset")[0].id == ready.dataset.id
            and {(one.role, one.id) for one in last.attachments} == wanted
        )
        if same and is_open(repository, last.id):
            return last
    with open_transaction(repository) as transaction:
        request = sign_manifest(
            kind=REQUEST,
            store=repository.store_id,
            name=name,
            body=ready.body,
            signer=signer,
            created=repository.signing_date(context.clock),
            parents=() if state is None else (state.id,),
            inputs=[Input("dataset", "dataset", ready.dataset.id)],
            message=message,
            attachments=[
                attach(transaction, QUESTIONS, questions),
                *([attach(transaction, GUIDELINE, guideline)] if guideline else []),
            ],
        )
        transaction.log_manifest(request)
        transaction.commit()
    return request


def _guideline(repository: Repository, request: Manifest) -> str:
    found = request.attachments_in(GUIDELINE)
    return (
        repository.blobs.read(found[0].id, max_bytes=MAX_GUIDELINE_BYTES).decode() if found else ""
    )


def _name(text: str) -> str:
    parts = text.split("/")
    return str(Name("requests", *parts[-2:]))


def _folder_name(who: str, taken: Set[str]) -> str:
    """Return a name for a folder that is a name everywhere, and none of those that are taken."""
    end = "".join(one for one in who.rsplit(":", 1)[-1].lower() if one.isascii() and one.isalnum())
    stem = end[-8:] or "reviewer"
    numbered = (f"{stem}-{number}" for number in count(2))
    return next(one for one in chain([stem], numbered) if one not in taken)
