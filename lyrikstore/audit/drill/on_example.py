"""Attacks on the example store by its owner, by who was a writer, and by whoever hands it on."""

import json
import shutil
from datetime import timedelta
from typing import Any

from lyrikstore.audit.drill.attack import Attack, NotApplicableError
from lyrikstore.audit.drill.example import (
    APPROVAL,
    AUDIT,
    CARD,
    DELIVERY,
    DEPLOYED,
    EVALUATION,
    MODEL,
    PART,
    ROWS,
    RUN,
    STORE,
    TIMES,
    ExampleStore,
)
from lyrikstore.audit.file.container import read_container, write_page
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.files import replace_file
from lyrikstore.canon.json import encode
from lyrikstore.canon.limits import MAX_AUDIT_FILE_BYTES
from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.issue import issue
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.manifests.manifest import Input
from lyrikstore.publish.issue.dataset import permit_dataset


def _put_older_back(example: ExampleStore) -> None:
    shutil.rmtree(example.root)
    shutil.copytree(example.older, example.root)


def _rewrite(example: ExampleStore) -> None:
    """Go on from the older copy with the real keys, as if nothing had been revoked since."""
    size = example.open().repository.checkpoint.size
    _put_older_back(example)
    shutil.rmtree(example.folder / "owner")  # its memory refuses a second history
    while (context := example.open()).repository.checkpoint.size < size:
        permit_dataset(context, ROWS, offer=Offer.of_words(("train",)))


def _rewrite_audit(example: ExampleStore) -> None:
    kept = example.folder / "kept.html"
    shutil.copy(example.folder / AUDIT, kept)
    _rewrite(example)
    example.write_audit(since=kept)


def _sign_as_stranger(example: ExampleStore) -> None:
    example.sign_again(PART, signer=example.stranger)


def _sign_with_retired_key(example: ExampleStore) -> None:
    example.sign_again(PART, signer=example.leaver, created=now() - timedelta(minutes=1))


def _approve_as_writer(example: ExampleStore) -> None:
    example.need_model()
    card = Input("card", "card", example.open().resolve(CARD).id)
    body = {"decision": "approve", "self": False, "statement": "read"}
    example.sign("approval", f"{APPROVAL}-2", body, [card], example.stranger)


def _claim_records(example: ExampleStore) -> None:
    example.sign_again(PART, lambda body: body.update(records=9999))


def _empty_decisions(example: ExampleStore) -> None:
    example.sign_again(PART, attachment=("decisions", b""))


def _train_on_other(example: ExampleStore) -> None:
    whole = example.open().resolve(ROWS).id
    example.sign_again(
        MODEL,
        inputs=lambda one: Input(one.role, one.kind, whole) if one.role == "train" else one,
    )


def _claim_more_records(example: ExampleStore) -> None:
    example.sign_again(RUN, lambda body: body["order"]["records"].update(train=999_999))


def _exchange_labels(example: ExampleStore) -> None:
    example.sign_again(MODEL, lambda body: body["labels"].reverse())


def _better_figures(example: ExampleStore) -> None:
    example.sign_again(EVALUATION, lambda body: body["model"]["macroF1"].update(value="0.9999"))


def _other_card(example: ExampleStore) -> None:
    repository = example.open().repository
    [attached] = repository.resolve(CARD).attachments_in("card")
    text = repository.blobs.read(attached.id, max_bytes=attached.bytes)
    example.sign_again(CARD, attachment=("card", text.replace(b'"0.', b'"0.9', 1)))


def _replay_approval(example: ExampleStore) -> None:
    """Sign the card again: the approval is of its version before."""
    example.sign_again(CARD)


def _change_row(example: ExampleStore) -> None:
    path = example.folder / DELIVERY / "data" / "first.jsonl"
    replace_file(path, path.read_bytes().replace(b"lease", b"lapse", 1))


def _exchange_files(example: ExampleStore) -> None:
    one, other = (
        example.folder / DELIVERY / "data" / name for name in ("first.jsonl", "second.jsonl")
    )
    first, second = one.read_bytes(), other.read_bytes()
    replace_file(one, second)
    replace_file(other, first)


def _add_file(example: ExampleStore) -> None:
    (example.folder / DELIVERY / "data" / "third.jsonl").write_text('{"text": "mine"}\n')


def _widened(example: ExampleStore) -> dict[str, Any]:
    path = example.folder / DELIVERY / "credential.json"
    document: dict[str, Any] = json.loads(path.read_text().replace('"evaluate"', '"train"'))
    return document


def _widen(example: ExampleStore) -> None:
    replace_file(example.folder / DELIVERY / "credential.json", encode(_widened(example)))


def _widen_and_sign(example: ExampleStore) -> None:
    document = _widened(example)
    del document["proof"]
    document["issuer"] = example.stranger.did
    signed = issue(document, example.stranger, now())
    replace_file(example.folder / DELIVERY / "credential.json", signed)


def _other_credential(example: ExampleStore) -> None:
    for path in (example.folder / "other").iterdir():
        if path.is_file():
            shutil.copy(path, example.folder / DELIVERY / path.name)


def _change_weights(example: ExampleStore) -> None:
    path = example.folder / DEPLOYED / "onnx" / "model.onnx"
    data = path.read_bytes()
    replace_file(path, data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])


def _lay_file(example: ExampleStore) -> None:
    (example.folder / DEPLOYED / "sitecustomize.py").write_text("print('mine')\n")


def _other_evidence(example: ExampleStore) -> None:
    [path] = (example.folder / DEPLOYED / "lyrikstore").glob("checkpoint-*.json")
    replace_file(path, path.read_bytes().replace(b'"lease"', b'"lapse"', 1))


def _break_consistency(example: ExampleStore) -> None:
    path = example.folder / DELIVERY / "log.leaves"
    data = path.read_bytes()
    replace_file(path, bytes([data[0] ^ 1]) + data[1:])


def _show_fork_to_witness(example: ExampleStore) -> None:
    seen = example.ask_witness().head.size
    _rewrite(example)
    example.ask_witness(proves_from=seen)


def _date_witness_back(example: ExampleStore) -> None:
    """State another time than the witness signed."""
    example.sign_again(TIMES, lambda body: body.update(time="2020-01-01T00:00:00Z"))


def _edit_audit(example: ExampleStore) -> None:
    path = example.folder / AUDIT
    evidence = read_container(path).evidence
    if b"sold by mistake" not in evidence:
        raise NotApplicableError("the audit file has no revocation")
    edited = evidence.replace(b"sold by mistake", b"sold as agreed!")
    replace_file(path, write_page(edited, "Audit"))


def _leave_out(example: ExampleStore) -> None:
    """Leave out of an audit file the dataset that its subject was made from."""
    path = example.folder / AUDIT
    document = json.loads(read_container(path).evidence)
    gone = example.open().resolve(ROWS).id
    kept = [one for one in document["objects"] if Digest.of(one.encode()) != gone]
    replace_file(path, write_page(encode({**document, "objects": kept}), "Audit"))


def _enlarge_audit(example: ExampleStore) -> None:
    path = example.folder / AUDIT
    replace_file(path, path.read_bytes() + bytes(MAX_AUDIT_FILE_BYTES))


ATTACKS: tuple[Attack[ExampleStore], ...] = (
    Attack(
        "A30", "an older copy of the store is put back", STORE, ("log.memory",), _put_older_back
    ),
    Attack(
        "A33",
        "a revocation is deleted, and the log signed anew with the real key",
        STORE,
        ("log.memory",),
        _rewrite,
    ),
    Attack(
        "A195",
        "an audit file is made of the log that was signed anew",
        AUDIT,
        ("log.checkpoint",),
        _rewrite_audit,
    ),
    Attack(
        "A193",
        "the reason of a revocation is edited in an audit file",
        AUDIT,
        ("manifests", "credentials", "audit.file"),
        _edit_audit,
    ),
    Attack(
        "A194",
        "the source of the data is left out of an audit file",
        AUDIT,
        ("lineage",),
        _leave_out,
    ),
    Attack("A197", "an audit file of 50 MB", AUDIT, ("audit.file",), _enlarge_audit),
    Attack(
        "A21", "somebody whom no policy names signs a version", STORE, ("refs",), _sign_as_stranger
    ),
    Attack(
        "A27",
        "a writer who left signs a version and dates it back",
        STORE,
        ("refs",),
        _sign_with_retired_key,
    ),
    Attack(
        "A150",
        "somebody who may approve nothing approves a card",
        STORE,
        ("refs",),
        _approve_as_writer,
    ),
    Attack(
        "A88",
        "the owner states more records than the data has",
        PART,
        ("datasets",),
        _claim_records,
    ),
    Attack(
        "A89", "the owner empties the decisions of a filter", PART, ("datasets",), _empty_decisions
    ),
    Attack(
        "A91",
        "the owner states more training records than there are",
        RUN,
        ("runs",),
        _claim_more_records,
    ),
    Attack("A40", "the owner states other training data", MODEL, ("runs",), _train_on_other),
    Attack(
        "A92",
        "the owner exchanges the labels of a model",
        MODEL,
        ("checkpoints",),
        _exchange_labels,
    ),
    Attack(
        "A53",
        "the owner states better figures",
        EVALUATION,
        ("evaluation.recomputed",),
        _better_figures,
    ),
    Attack(
        "A86", "the owner changes a figure on a card", CARD, ("card", "card.sources"), _other_card
    ),
    Attack(
        "A149",
        "the approval of a card is used for its next version",
        CARD,
        ("card.approval",),
        _replay_approval,
    ),
    Attack("A01", "a word in a delivered file is changed", DELIVERY, ("data.files",), _change_row),
    Attack("A03", "two delivered files change places", DELIVERY, ("data.files",), _exchange_files),
    Attack("A10", "a file is laid among the delivered data", DELIVERY, ("data.files",), _add_file),
    Attack("A02", "the licence in a credential is widened", DELIVERY, ("proof",), _widen),
    Attack(
        "A21",
        "the licence is widened and signed with a new key",
        DELIVERY,
        ("trust.issuer",),
        _widen_and_sign,
    ),
    Attack(
        "A44",
        "the credential of another dataset is laid beside the data",
        DELIVERY,
        ("data.files",),
        _other_credential,
    ),
    Attack(
        "A101",
        "a leaf hash beside a delivery is changed",
        DELIVERY,
        ("log.memory", "log.proof"),
        _break_consistency,
    ),
    Attack(
        "A183",
        "the log that was signed anew is shown to a witness",
        STORE,
        ("witness-fork",),
        _show_fork_to_witness,
    ),
    Attack(
        "A182",
        "the owner dates the words of a witness back",
        STORE,
        ("timestamps",),
        _date_witness_back,
    ),
    Attack(
        "A80",
        "a weight in a deployed folder is changed",
        DEPLOYED,
        ("deployment.files",),
        _change_weights,
    ),
    Attack(
        "A82",
        "a program is laid into a deployed folder",
        DEPLOYED,
        ("deployment.files",),
        _lay_file,
    ),
    Attack(
        "A83",
        "the evidence in a deployed folder is edited",
        DEPLOYED,
        ("deployment.evidence",),
        _other_evidence,
    ),
)
