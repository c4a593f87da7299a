"""For every check, cases in which what it is about is false or unsupported: it never passes.

What a verifier reads without a store is judged by Python and by the page alike; the cases are those
of the vectors, by name (:mod:`tests.differential.seeds`). The checks of stores, objects and cards
are made here, each with what is wrong.
"""

import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.audit.file.check import verify_audit_file
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.terms.model import Partition, Terms, whole
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.curate.labelled_records import read_labelled
from lyrikstore.curate.profile import profile_version
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.governance.packs import add_rules
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment, Input
from lyrikstore.pages.gather import facts_of_profile
from lyrikstore.pages.read_back import verify_page
from lyrikstore.publish.cards.card import make_card
from lyrikstore.publish.cards.check import verify_card
from lyrikstore.readers import all_readers
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.evaluation.answers import Answerer, Head
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.predictions import Line, read_predictions, write_predictions
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.readers import Readers
from lyrikstore.web.pages.profile import profile_page
from tests.contexts import context_of
from tests.credentialed import log_credential
from tests.verify.store.lineage import ENVIRONMENT, Lineage, flip, make_lineage

STATEMENTS = frozenset(
    {"terms", "regulatory", "age", "quality.stated", "attestation", "attestations", "grant"}
)
"""Checks whose subject is only what somebody says: they pass nowhere."""

_D, _K, _G, _A, _W, _P = "deliveries", "keys", "grants", "attestations", "hostile-w3c", "presented"
_F = "deployments"

CASES: Mapping[str, tuple[str, ...]] = {
    # of whatever is signed
    "format": (f"{_D}/not-json", f"{_W}/not-json", f"{_W}/trailing-text"),
    "schema": (f"{_G}/without-end", f"{_W}/schema-violated", f"{_W}/schema-not-at-hand"),
    "proof": (f"{_D}/edited-claim", f"{_G}/edited", f"{_W}/claim-edited"),
    "issuer.binding": (f"{_D}/foreign-key", f"{_G}/foreign-key", f"{_W}/signed-by-another"),
    "issuer.document": (f"{_D}/web-snapshot-only", f"{_D}/web-self-made-snapshot"),
    "trust.issuer": (f"{_D}/nobody-trusted", f"{_D}/self-made-key", f"{_W}/nobody-trusted"),
    "trust.allowed": (f"{_D}/key-not-allowed", f"{_D}/hash-not-allowed"),
    "issuer.key": (f"{_K}/compromised-at-its-index", f"{_D}/sound"),
    "period": (f"{_D}/expired", f"{_D}/not-yet-valid", f"{_W}/expired"),
    "status": (f"{_D}/status-revoked", f"{_D}/status-no-list", f"{_W}/status-no-list"),
    # of deliveries
    "manifest": (f"{_D}/another-name", f"{_D}/without-manifest.json"),
    "manifest.signature": (f"{_K}/compromised-manifest", f"{_D}/without-genesis.json"),
    "data.files": (f"{_D}/byte-changed", f"{_D}/extra", f"{_D}/missing", f"{_D}/no-data"),
    "data.tree": (f"{_D}/another-size", f"{_D}/without-tree.jsonl"),
    "terms.partitions": (f"{_D}/partitions-files", f"{_D}/partitions-no-data"),
    "terms.sources": ("resold/wider-word", "resold/credential-removed", f"{_D}/sound"),
    "records.root": (f"{_D}/another-root", f"{_D}/without-records.json", f"{_D}/byte-changed"),
    "log.inclusion": (f"{_D}/proof-of-another-entry", f"{_D}/without-log.tlog-proof"),
    "log.anchor": (f"{_D}/another-log", f"{_D}/without-genesis.json", f"{_D}/nobody-trusted"),
    "log.witness": (f"{_D}/witness-demanded", f"{_D}/log-age-demanded"),
    "datasets": ("figures/records", "figures/labels", "figures/no-row", f"{_D}/no-data"),
    "quality": ("recompute/count-off-by-one", "recompute/unknown-recipe", f"{_D}/not-recomputed"),
    # of what is only said: nobody could find it to be false
    "terms": (f"{_D}/sound", f"{_D}/without-LICENCE.txt"),
    "regulatory": (f"{_D}/law-of-nothing", f"{_D}/law-by-another", f"{_D}/law-of-tomorrow"),
    "age": (f"{_D}/sound", f"{_D}/collected-later"),
    "quality.stated": (f"{_D}/asserted-quality",),
    "attestation": (f"{_A}/believed", f"{_A}/another-root"),
    "attestations": (f"{_A}/believed", f"{_A}/unknown-attester", f"{_A}/edited"),
    "grant": (f"{_G}/sound", f"{_P}/sound"),
    # of attestations and grants
    "evidence": (f"{_A}/documents-disagree", f"{_A}/documents-missing"),
    "grant.terms": (f"{_G}/another-root", f"{_G}/terms-missing"),
    "grant.holder": (f"{_P}/stolen", f"{_P}/no-challenge-asked"),
    # of deployed folders
    "store.genesis": (f"{_F}/nobody-trusted", f"{_F}/genesis-removed"),
    "deployment.files": (f"{_F}/byte-added", f"{_F}/second-tokenizer", f"{_F}/notice-removed"),
    "deployment.evidence": (f"{_F}/extra-evidence", f"{_F}/run-removed", f"{_F}/leaf-flipped"),
    "deployment.made-from": (f"{_F}/run-of-another", f"{_F}/another-decision"),
    "deployment.rights": (f"{_F}/sound", f"{_F}/revoked-before-the-run", f"{_F}/not-permitted"),
    "deployment.approval": (f"{_F}/self-approved", f"{_F}/not-approved", f"{_F}/genesis-removed"),
    # of what others sign
    "model": (f"{_W}/type-missing",),
    "related": (f"{_W}/related-other-text", f"{_W}/related-not-at-hand"),
    "holder.binding": (f"{_W}/presentation-holder-another", f"{_P}/by-a-key-of-a-snapshot"),
    "challenge": (f"{_P}/replayed-challenge", f"{_W}/presentation-not-asked"),
    "presented": (f"{_P}/grant-edited", f"{_P}/terms-nowhere", f"{_P}/nobody-trusted"),
    "envelope": (f"{_W}/envelope", f"{_W}/envelope-of-a-url"),
}
"""Id → names of vectors."""


@dataclass(frozen=True)
class Place:
    """What a case about a store begins with.

    Attributes:
        store: A store with a dataset, a run and a model.
        folder: For what else it writes.
        patch: Undone when the case is over.
    """

    store: Lineage
    folder: Path
    patch: pytest.MonkeyPatch

    def unguarded(self) -> None:
        """Let anything be logged, as somebody else's software would."""
        self.patch.setattr(Appender, "_check_refs", lambda *_: None)


def states_in(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield id and state of every check in a report, its parts and what others attest."""
    for check in report.get("checks", ()):
        yield check["id"], check["state"]
        for one in check["detail"].get("attestations", ()):
            yield from states_in(one)
    for part in report.get("parts", ()):
        yield from states_in(part)


def _flipped(name: str, at: float) -> Callable[[Place], Report]:
    def wrong(place: Place) -> Report:
        flip(next(iter(sorted(place.store.root.glob(name)))), at)
        return place.store.store()

    return wrong


def _by_nobody(place: Place) -> Report:
    return place.store.store(trust=Trust())


def _cut_short(place: Place) -> Report:
    max((place.store.root / "tx").iterdir()).unlink()
    return place.store.store()


def _rolled_back(place: Place) -> Report:
    memory = LogMemory(place.folder / "seen")
    older = place.folder / "older"
    shutil.copytree(place.store.root, older)
    place.store.log_credential(place.store.publisher.credential(terms=whole(["evaluate"])))
    place.store.store(memory=memory)
    return replace(place.store, root=older).store(memory=memory)


def _other_sums(place: Place) -> Report:
    wrong = place.store.checkpoint(
        "checkpoints/acme/sums",
        {"origin": "imported", "rights": {"asserted": "MIT"}},
        sums=b"0" * 64 + b"  model.safetensors\n",
    )
    place.store.ids["sums"] = wrong.id
    return place.store.object("sums")


def _unlogged_input(place: Place) -> Report:
    place.patch.setattr(Appender, "_check_inputs", lambda *_: None)
    run = place.store.repository.manifest(place.store.ids["run"])
    nowhere = Input("train", "dataset", Digest.of(b"nowhere"))
    place.store.ids["lost"] = place.store.trained(
        run, inputs=[Input("run", "run", run.id), nowhere], name="checkpoints/acme/lost"
    ).id
    return place.store.object("lost")


def _by_a_stranger(place: Place) -> Report:
    place.unguarded()
    recipe = {"recipe": {}, "steps": [{"use": "empty/1"}], "reads": [], "engine": "x"}
    mallory = place.store.world.MALLORY
    place.store.log(place.store.sign("filter", "filters/acme/evil", recipe, signer=mallory))
    return place.store.store()


def _dated_by_a_forger(place: Place) -> Report:
    """Have a strange witness's cosignature be nothing but zeros."""
    place.unguarded()
    body = {
        "size": 1,
        "time": "2026-11-24T14:12:39Z",
        "by": "w.example",
        "cosignature": "A" * 102 + "==",
    }
    store = place.store
    store.log(store.sign("timestamp", "timestamps/store/main", body, signer=store.world.OWNER))
    return store.store()


def _no_audit_file(place: Place) -> Report:
    file = place.folder / "audit.html"
    file.write_bytes(b"<!doctype html>\n<p>trusted</p>\n")
    report, _ = verify_audit_file(file, trust=Trust(()), at=now(), memory=None)
    return report


def _edited_credential(place: Place) -> Report:
    data: bytes = place.store.publisher.credential()
    place.store.log_credential(data.replace(b'"train"', b'"trade"'))
    return place.store.store()


def _stray_pack(place: Place) -> Report:
    stray = place.store.root / "packs/00" / ("0" * 64 + ".pack")
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    return place.store.store()


def _unreadable(place: Place) -> Report:
    repository, identity = place.store.repository, place.store.ids["model"]
    table = repository.blobs.packed.table
    needed = {  # no store opens without its first policy
        table.packs[table.place(copy)[0]].id.hex for copy in table.copies(repository.store_id.raw)
    }
    for pack in place.store.root.glob("packs/**/*.pack"):
        if pack.stem not in needed:
            flip(pack)
    world = place.store.world
    return verify_object(
        context_of(
            repository.afresh(), trust=world.trusting(world.OWNER.did), clock=lambda: world.NOW
        ),
        identity,
        readers=Readers(datasets=StoredDatasets()),
    )


def _root_of_nothing(place: Place) -> Report:
    store, honest = place.store, place.store.publisher.records
    (root,) = honest.body["roots"]
    forged = store.sign(
        "records",
        honest.name,
        {**honest.body, "roots": [{**root, "root": "ab" * 32}]},
        inputs=honest.inputs,
        attachments=honest.attachments,
        parents=[honest.id],
    )
    store.log(forged)
    store.ids["records"] = forged.id
    return store.object("records")


def _unplanned(place: Place) -> Report:
    run = place.store.repository.manifest(place.store.ids["run"])
    place.store.ids["other"] = place.store.trained(run, name="checkpoints/acme/surprise").id
    return place.store.object("other")


def _other_settings(place: Place) -> Report:
    run = place.store.repository.manifest(place.store.ids["run"])
    made = place.store.trained(
        run, body={"format": "tfidf/1", "labels": ["a"]}, parents=[place.store.ids["model"]]
    )
    place.store.ids["other"] = made.id  # and it has no settings at all
    return place.store.object("other")


def _no_right(place: Place) -> Report:
    place.store.ids["other"] = place.store.run("runs/acme/other", body={"rights": []}).id
    return place.store.object("other")


def _undecided(place: Place) -> Report:
    store, world = place.store, place.store.world
    context = context_of(store.repository, signer=world.OWNER, clock=lambda: world.NOW)
    add_rules(context, "core", "acme")
    store.ids["other"] = store.run("runs/acme/other").id
    return store.object("other")


def _prohibited_elsewhere(place: Place) -> Report:
    publisher, now = place.store.publisher, place.store.world.NOW
    terms = Terms((Partition("all", (), ("train",)),))
    valid = (now, now + timedelta(days=9))
    manifest = publisher.manifest
    texts = [("LicenseRef-Acme-1.0", place.store.world.LICENCE)]
    log_credential(
        *(place.store.repository, manifest, signer_for("another"), terms, valid),
        licence_texts=texts,
    )
    return place.store.object("model")


def _vouched_for_by_nobody(place: Place) -> Report:
    store, ours = place.store, place.store.publisher.manifest
    kept = {"tree": ours.tree, "files": ours.files}
    foreign = store.sign("dataset", "datasets/another/data", ours.body, **kept)
    carried = Attachment("foreign-manifest", foreign.id, len(foreign.data))
    body = {**ours.body, "origin": "imported"}
    taken_in = store.sign("dataset", "datasets/acme/taken", body, attachments=[carried], **kept)
    store.log(taken_in, blobs=(foreign.data,))
    store.ids["taken"] = taken_in.id
    return store.object("taken")


def _held_against_nothing(place: Place) -> Report:
    store = place.store
    head = Head("text-classification", ("a", "b"), (Answerer("model"),))
    line = Line((0,), [[900_000, 100_000]])
    data = b"".join(write_predictions(head, [line]))
    body = evaluation_body(read_predictions(io.BytesIO(data)), seed=1)
    evaluation = store.sign(
        "evaluation",
        "evaluations/acme/model",
        {**body, "split": "test", "environment": ENVIRONMENT, "purpose": "monitor"},
        inputs=[
            Input("checkpoint", "checkpoint", store.ids["model"]),
            Input("test", "dataset", store.ids["dataset"]),
        ],
        attachments=[Attachment("predictions", Digest.of(data), len(data))],
    )
    store.log(evaluation, blobs=(data,))
    store.ids["evaluation"] = evaluation.id
    report = store.object(
        "evaluation", readers=Readers(records=read_labelled, datasets=StoredDatasets())
    )
    assert report.check("evaluation.recomputed").detail["reason"] == "undeclared"
    return report


def _drawn_by_hand(place: Place) -> Report:
    """Sign a queue whose seed is one that somebody chose."""
    store = place.store
    named = [Input("dataset", "dataset", store.ids["dataset"])]
    questions = b'{"asks":"","format":"lyrikstore-questions/1","highlight":[],"labels":["a"],'
    questions += b'"questions":[],"reasons":[],"several":false,"spans":"","title":""}'
    records = store.repository.manifest(store.ids["dataset"]).body["records"]
    did = store.world.OWNER.did
    body = {
        "blind": False, "by": [], "field": "label", "overlap": "0", "records": records,
        "reviewers": [did], "sample": 1, "strip": [],
    }  # fmt: skip
    request = store.sign(
        "request",
        "requests/acme/data",
        body,
        inputs=named,
        attachments=[Attachment("questions", Digest.of(questions), len(questions))],
    )
    items = b'{"item":0,"place":0,"reviewers":[0]}\n'
    size = store.repository.checkpoint.head.size + 1
    store.log(request, blobs=(questions,))
    body = {
        "assignments": [{"folder": str(Digest.of(b"shown")), "items": 1, "reviewer": did}],
        "items": 1, "round": "first", "seed": "00" * 32, "size": size,
    }  # fmt: skip
    queue = store.sign(
        "queue",
        "queues/acme/data",
        body,
        inputs=[*named, Input("request", "request", request.id)],
        attachments=[Attachment("items", Digest.of(items), len(items))],
    )
    store.log(queue, blobs=(items,))
    return store.store()


IN_STORES: Mapping[str, Callable[[Place], Report]] = {
    "store.format": _flipped("format", 0.1),
    "store.genesis": _by_nobody,
    "log.checkpoint": _flipped("log/checkpoint", 0.1),
    "log.tiles": _flipped("log/tile/0/000.p/*", 0.5),
    "log.transactions": _cut_short,
    "log.memory": _rolled_back,
    "blobs": _flipped("packs/**/*.pack", 0.5),
    "manifests": _other_sums,
    "timestamps": _dated_by_a_forger,
    "audit.file": _no_audit_file,
    "lineage": _unlogged_input,
    "refs": _by_a_stranger,
    "credentials": _edited_credential,
    "orphans": _stray_pack,
    "object": _unreadable,
    "records": _root_of_nothing,
    "runs": _unplanned,
    "checkpoints": _other_settings,
    "rights": _no_right,
    "rules": _undecided,
    "rights.same-bytes": _prohibited_elsewhere,
    "rights.sources": _vouched_for_by_nobody,
    "reviews": _drawn_by_hand,
    "evaluation.recomputed": _held_against_nothing,
}
"""Id → what makes a store, or an object in it, of which it does not hold, and verifies it."""


def place_in(folder: Path, world: SimpleNamespace, patch: pytest.MonkeyPatch) -> Place:
    """Return a place of one's own, in which all holds."""
    home = folder / "home"
    home.mkdir(parents=True)
    return Place(make_lineage(home, world), folder, patch)


def _judged(chain: Any, text: bytes) -> Report:
    trust = Trust((TrustedIssuer(did=chain.signer.did, nickname="owner"),))
    context = context_of(chain.repository, trust=trust, clock=chain.clock)
    return verify_card(context, text, readers=all_readers())


def _card(chain: Any) -> Any:
    return make_card(chain.context, chain.made["checkpoint"])


def _edited_card(chain: Any) -> Report:
    text = _card(chain).renderings["markdown"]
    assert b"0.75" in text
    return _judged(chain, text.replace(b"0.75", b"0.79"))


def _lying_card(chain: Any) -> Report:
    from tests.publish.cards.making import log_card

    honest = _card(chain)
    lie = honest.renderings["card"].replace(b"the baseline is better", b"the model is better")
    log_card(chain, honest.manifest, {"card": lie}, chain.signer)
    return _judged(chain, lie)


def _old_card(chain: Any) -> Report:
    card, old = _card(chain), chain.made["evaluation"]
    chain.log(
        "again", kind="evaluation", name="evaluations/acme/again", body=old.body, inputs=old.inputs
    )
    return _judged(chain, card.renderings["html"])


def _answered_by_nobody_known(chain: Any) -> Report:
    from tests.publish.cards.making import answered

    answered(chain, {"contact": "Dr. J. Doe"}, by="mallory")
    return _judged(chain, _card(chain).renderings["card"])


def _unapproved_card(chain: Any) -> Report:
    return _judged(chain, _card(chain).renderings["card"])


def _own_work(chain: Any) -> Report:
    card = _card(chain)
    chain.log(
        "approval",
        kind="approval",
        name="approvals/acme/classifier",
        body={"decision": "approve", "self": False},
        inputs=[Input("card", "card", card.manifest.id)],
    )
    return _judged(chain, card.renderings["card"])


def _page(chain: Any, **changes: Any) -> Report:
    manifest = chain.made["raw"]
    profile = profile_version(chain.context, str(manifest.id)).to_json()
    facts = facts_of_profile(chain.context, manifest, profile)
    data = profile_page({**facts, **changes})
    return verify_page(data, context=chain.context, at=chain.clock())


def _page_of_before(chain: Any) -> Report:
    manifest = chain.made["raw"]
    profile = profile_version(chain.context, str(manifest.id)).to_json()
    page = profile_page(facts_of_profile(chain.context, manifest, profile))
    more = {"parents": [manifest.id]}
    chain.dataset("newer", "datasets/acme/contracts", {"x.txt": b"new\n"}, **more)
    return verify_page(page, context=chain.context, at=chain.clock())


OF_CARDS: Mapping[str, Callable[[Any], Report]] = {
    "page": lambda chain: _page(chain, recordCount=9000),
    "page.current": _page_of_before,
    "card": _edited_card,
    "card.sources": _lying_card,
    "card.current": _old_card,
    "card.answers": _answered_by_nobody_known,
    "card.approval": _unapproved_card,
    "approvals": _own_work,
}
"""Id → what makes a card or a page of which it does not hold, and verifies it."""
