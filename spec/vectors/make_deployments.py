"""Makes ``deployments/``: a deployed folder, sound and damaged, and what a verifier must answer.

Each case is the folder in ``base`` with some files replaced (``null``: removed). ``checks`` has
every check that is not ``pass``, with its reason, or its state where it has none; ``notProven`` has
sentences that must be in the report. The expected answers are written by hand.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace

import make_credentials as made
from deployed import (
    APPROVER,
    BASE,
    CARD,
    CHECKPOINT,
    CREDENTIAL,
    DATA,
    DECISION,
    DEPLOYED,
    EVALUATION,
    MODEL,
    REPORT,
    RIGHT,
    RULES,
    RUN,
    STORE,
    THEN,
    TRAINER,
    WORLD,
    Folder,
    NoManifest,
    approval_of,
    card_of,
    checkpoint_of,
    decision_of,
    evaluation_of,
    policy,
    revoked_list,
    run_of,
    signed,
    sums_of,
)
from deployed_under_grants import rows_of_grants
from deployed_until import rows_of_ends
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.credentials.model.credential import Claims
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import revoked, with_approvers
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import LogCheckpoint, TlogProof
from lyrikstore.history.log.consistency_file import ConsistencyFile, consistency_file
from lyrikstore.history.trees.tree import Tree, TreeEntry
from make_attestations import granted
from verdicts_of_organisations import FIRST, WEB, document, pinned, terms_of

Files = Mapping[str, bytes | None]
Row = tuple[str, str, dict[str, str], dict[str, Any]]

NOTHING = {"log.witness": "n/a", "log.memory": "n/a", "deployment.rights": "stated"}
"""What is not ``pass`` where nothing is wrong."""

SOUND = Folder().make()
TRUST = f'version = 1\n\n[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'
AT = "2026-11-27T00:00:00Z"
SHORT = CREDENTIAL.short


def make() -> dict[str, Any]:
    """Return file name → content."""
    rows = [*_of_files(), *_of_evidence(), *_of_log(), *_of_inputs(), *_of_rights(), *_of_cards()]
    rows += _of_decisions()
    rows += [
        (name, verdict, {"deployment.approval": "n/a", **checks}, {**_another(**parts), **given})
        for name, verdict, checks, parts, given in (*rows_of_grants(), *rows_of_ends())
    ]
    cases = [
        {"id": name, "verdict": verdict, "checks": {**NOTHING, **checks}, "changes": changes}
        | ({"details": DETAILS[name]} if name in DETAILS else {})
        | ({"notProven": NOT_PROVEN[name]} if name in NOT_PROVEN else {})
        for name, verdict, checks, changes in rows
    ]
    base = {"at": AT, "trust": TRUST, "files": _spelt(SOUND)}
    return {"deployments/folders.json": {"base": base, "cases": cases}}


DETAILS: dict[str, Any] = {
    "byte-added": {"deployment.files": {"differs": [
        {"path": "onnx/model.onnx", "reason": "size"}]}},
    "labels-swapped": {"deployment.files": {"differs": [
        {"path": path, "reason": "content"} for path in ("SHA256SUMS", "config.json")]}},
    "notice-removed": {"deployment.files": {"missing": ["NOTICE"], "missingCount": 1}},
    "second-tokenizer": {"deployment.files": {"extra": ["tokenizer.model"], "extraCount": 1}},
    "sitecustomize": {"deployment.files": {"extra": ["sitecustomize.py"], "extraCount": 1}},
    "extra-evidence": {"deployment.evidence": {"extra": ["lyrikstore/notes.json"]}},
    "run-removed": {"deployment.evidence": {"missing": [
        f"lyrikstore/run-{RUN.id.short}.json"]}},
    "left-out": {"deployment.rights": {"credentialsLeftOut": [str(CREDENTIAL)]}},
    "sound": {"deployment.approval": {"approvers": [APPROVER.did], "card": str(CARD.id)}},
}  # fmt: skip

NOT_PROVEN = {
    "decided-by-rules": [
        "that rules permit 'deployments/acme/clauses.onnx': decided by rules, not checked here"
    ],
}
"""Case → sentences that a report must have about it."""


def _spelt(files: Files) -> dict[str, Any]:
    def spell(data: bytes) -> Any:
        try:
            return data.decode("ascii")
        except UnicodeDecodeError:
            return {"hex": data.hex()}

    return {path: None if data is None else spell(data) for path, data in files.items()}


def _changed(files: Files) -> dict[str, Any]:
    return {"files": _spelt(files)}


def _another(**parts: Any) -> dict[str, Any]:
    """Return the changes that make another folder of the sound one."""
    other: Files = {**dict.fromkeys(SOUND), **Folder(**parts).make()}
    return _changed({path: data for path, data in other.items() if SOUND.get(path, b"?") != data})


def _evidence(**files: bytes | None) -> dict[str, Any]:
    return _changed({f"lyrikstore/{name}": data for name, data in files.items()})


def _of_files() -> list[Row]:
    swapped = {**MODEL, "config.json": b'{"id2label":{"0":"Permissive","1":"Copyleft"}}\n'}
    differs = {"deployment.files": "differs"}
    extra = {"deployment.files": "extra"}
    return [
        ("sound", "trusted", {}, {}),
        ("nobody-trusted", "valid",
         {"store.genesis": "unknown-founder", "deployment.rights": "unknown-issuer"},
         {"trust": "version = 1\n"}),
        ("byte-added", "invalid", differs,
         _changed({"onnx/model.onnx": MODEL["onnx/model.onnx"] + b"\x00"})),
        ("labels-swapped", "invalid", differs,
         _changed({"config.json": swapped["config.json"], "SHA256SUMS": sums_of(swapped)})),
        ("notice-removed", "invalid", {"deployment.files": "missing"}, _changed({"NOTICE": None})),
        ("swapped-files", "invalid", {"deployment.files": "swapped"},
         _changed({"NOTICE": MODEL["USE.md"], "USE.md": MODEL["NOTICE"]})),
        ("renamed", "invalid", {"deployment.files": "renamed"},
         _changed({"NOTICE": None, "NOTICE.txt": MODEL["NOTICE"]})),
        ("second-tokenizer", "invalid", extra, _changed({"tokenizer.model": b"\x0a\x01x"})),
        ("sitecustomize", "invalid", extra, _changed({"sitecustomize.py": b"import os\n"})),
        ("compiled", "invalid", extra,
         _changed({"__pycache__/answer.cpython-311.pyc": b"\xa7\x0d"})),
        ("in-another-case", "invalid", extra, _changed({"Lyrikstore/manifest.json": b"{}"})),
        ("litter", "trusted", {"deployment.files": "litter"}, _changed({".DS_Store": b"x"})),
        ("expired-since", "trusted", {}, {"at": "2028-01-01T00:00:00Z"}),
    ]  # fmt: skip


def _of_evidence() -> list[Row]:
    evidence = "deployment.evidence"
    run = f"run-{RUN.id.short}"
    tree = Tree.of(TreeEntry(path, len(data), Digest.of(data)) for path, data in MODEL.items())
    another = _another(files={**MODEL, "NOTICE": b"No duties.\n"})["files"]
    listing = TreeEntry("Lyrikstore/x", 1, Digest.of(b"x"))
    other_key = ec.derive_private_key(7, ec.SECP256R1())
    elsewhere = signed(
        "evaluation", "evaluations/acme/clauses", made.OWNER, THEN, store=Digest.of(b"elsewhere"),
        body=EVALUATION.body, inputs=EVALUATION.inputs,
    )  # fmt: skip
    without = _spelt({"lyrikstore/tree.jsonl": None})
    return [
        ("extra-evidence", "invalid", {evidence: "extra"}, _evidence(**{"notes.json": b"{}"})),
        ("extra-folder", "invalid", {evidence: "extra"}, _evidence(**{"a/run.json": b"{}"})),
        ("extra-unsigned", "invalid", {evidence: "extra"}, _evidence(**{"UNSIGNED.txt": b"x"})),
        ("extra-manifest", "invalid", {evidence: "extra"},
         _evidence(**{f"evaluation-{BASE.id.short}.json": BASE.encode()})),
        ("extra-credential", "invalid", {evidence: "extra"},
         _evidence(**{"credential-0123456789ab.json": WORLD_CREDENTIAL})),
        ("litter-beside", "trusted", {evidence: "litter"}, _evidence(**{".DS_Store": b"x"})),
        ("run-removed", "incomplete",
         {evidence: "missing-file", "deployment.made-from": "missing-file",
          "deployment.rights": "missing-file"},
         _evidence(**{f"{run}.json": None, f"{run}.tlog-proof": None})),
        ("run-of-other-bytes", "invalid",
         {evidence: "differs", "deployment.made-from": "missing-file",
          "deployment.rights": "missing-file"},
         _evidence(**{f"{run}.json": run_of(seed=43).encode()})),
        ("proof-of-run-removed", "incomplete",
         {evidence: "missing-file", "deployment.made-from": "missing-file",
          "deployment.rights": "missing-file"},
         _evidence(**{f"{run}.tlog-proof": None})),
        ("proof-of-another", "invalid",
         {evidence: "bad-inclusion", "deployment.made-from": "missing-file",
          "deployment.rights": "missing-file"},
         _evidence(**{f"{run}.tlog-proof": SOUND["lyrikstore/log.tlog-proof"]})),
        ("card-differs", "invalid", {evidence: "differs"}, _evidence(**{"card.json": DATA + b" "})),
        ("report-differs", "invalid", {evidence: "differs"},
         _evidence(**{"report.json": REPORT + b" "})),
        ("report-removed", "incomplete", {evidence: "missing-file"},
         _evidence(**{"report.json": None})),
        ("model-sig-removed", "incomplete", {evidence: "missing-file"},
         _evidence(**{"model.sig": None})),
        ("model-sig-by-another-key", "invalid", {evidence: "bad-signature"},
         _another(oms_key=other_key)),
        ("model-sig-of-other-files", "invalid", {evidence: "other-files"},
         _another(oms_files=MODEL)),
        ("tree-removed", "incomplete", {evidence: "missing-file"}, {"files": without}),
        ("tree-removed-and-litter", "incomplete",
         {evidence: "missing-file", "deployment.files": "litter"},
         {"files": {**without, ".DS_Store": "x"}}),
        ("tree-removed-and-changed", "invalid",
         {evidence: "missing-file", "deployment.files": "differs"},
         {"files": {**without, "NOTICE": "No duties.\n"}}),
        ("tree-rewritten", "invalid", {evidence: "differs", "deployment.files": "differs"},
         _changed({"lyrikstore/tree.jsonl": tree.encode(), "SHA256SUMS": None, "x.py": b"x"})),
        ("tree-with-another-files-id", "invalid", {evidence: "disagrees"},
         _another(files_id=Digest.of(b"another"))),
        ("input-is-no-manifest", "invalid",
         {evidence: "schema", "deployment.made-from": "missing-file"},
         _another(evaluations=(NoManifest(),))),
        ("input-of-another-store", "invalid",
         {evidence: "disagrees", "deployment.made-from": "missing-file"},
         _another(evaluations=(elsewhere,))),
        ("policy-of-another-store", "invalid", {evidence: "disagrees"},
         _evidence(**{"policy-7.json": _policy_elsewhere()})),
        ("policy-is-none", "invalid", {evidence: "schema"},
         _evidence(**{"policy-7.json": b"{}"})),
        ("statement", "trusted", {}, _evidence(**_named("statement", _policy_elsewhere()))),
        ("statement-under-another-name", "invalid", {evidence: "differs"},
         _evidence(**{"statement-0123456789ab.json": _policy_elsewhere()})),
        ("statement-is-none", "invalid", {evidence: "schema"},
         _evidence(**_named("statement", b"{}"))),
        ("document-of-nobody", "invalid", {evidence: "differs"},
         _evidence(**_named("document", document(FIRST).encode()))),
        ("tree-of-evidence", "invalid", {evidence: "bad-tree", "deployment.files": "missing"},
         _another(listed=(listing,))),
        ("manifest-of-another", "invalid",
         {"manifest.signature": "no-policy", "log.inclusion": "missing-file",
          "deployment.files": "differs", evidence: "differs"},
         {"files": {"lyrikstore/manifest.json": another["lyrikstore/manifest.json"]}}),
    ]  # fmt: skip


WORLD_CREDENTIAL = SOUND[f"lyrikstore/credential-{SHORT}.json"]


def _part(document: dict[str, Any]) -> None:
    """Put the data into two partitions, of which one permits commercial use."""
    licence = document["credentialSubject"]["licence"]
    (whole,) = licence["partitions"]
    terms = {"type": "Partition", "permits": ["evaluate"], "grantable": ["train"]}
    licence["partitions"] = [
        {**terms, "name": "open", "permits": ["evaluate", "commercialUse"],
         "select": [{"type": "PathSelector", "path": "a"}],
         "fileCount": 0, "byteSize": "0", "recordCount": "0"},
        {**terms, "name": "rest",
         **{name: whole[name] for name in ("fileCount", "byteSize", "recordCount")}},
    ]  # fmt: skip


def _named(word: str, data: bytes) -> dict[str, bytes]:
    return {f"{word}-{Digest.of(data).short}.json": data}


def _policy_elsewhere() -> bytes:
    return signed(
        "policy", "policies/store/main", made.OWNER, THEN, store=Digest.of(b"elsewhere"),
        body=RULES.body, parents=RULES.parents,
    ).encode()  # fmt: skip


def _of_log() -> list[Row]:
    signature, inclusion = "manifest.signature", "log.inclusion"
    nothing_read = dict.fromkeys(
        ("store.genesis", inclusion, "log.witness", "log.memory", "deployment.files",
         "deployment.evidence", "deployment.made-from", "deployment.rights", "deployment.approval"),
        "no-manifest",
    )  # fmt: skip
    manifest = SOUND["lyrikstore/manifest.json"]
    every = [name for name in SOUND if name.startswith("lyrikstore/")]
    theft = policy(revoked(TRAINER.did, 1), RULES)
    stated = ConsistencyFile.parse(SOUND["lyrikstore/log.consistency.json"])
    flipped = b"\x00" + SOUND["lyrikstore/log.leaves"][1:]
    foreign = consistency_file("another.example/log", [bytes(32)] * 3, [1], leaves=3)
    return [
        ("log-proof-removed", "incomplete",
         {signature: "no-policy", inclusion: "missing-file", "deployment.evidence": "missing-file"},
         _evidence(**{"log.tlog-proof": None})),
        ("log-proof-of-before", "invalid",
         {signature: "no-policy", inclusion: "missing-file",
          "deployment.evidence": "bad-inclusion"},
         _evidence(**{"log.tlog-proof": _proof_of_before()})),
        ("log-proof-by-another-key", "invalid",
         {signature: "no-policy", inclusion: "missing-file",
          "deployment.evidence": "unknown-log-key"},
         _evidence(**{"log.tlog-proof": _by_another_log()})),
        ("genesis-removed", "incomplete",
         {"store.genesis": "missing-file", signature: "no-policy", inclusion: "missing-file",
          "deployment.evidence": "no-policy", "deployment.made-from": "missing-file",
          "deployment.rights": "missing-file", "deployment.approval": "missing-file"},
         _evidence(**{"genesis.json": None})),
        ("leaf-flipped", "invalid", {"deployment.evidence": "differs"},
         _evidence(**{"log.leaves": flipped})),
        ("leaves-made-up", "invalid", {"deployment.evidence": "differs"}, _evidence(
            **{"log.leaves": flipped, "log.consistency.json": replace(
                stated, leaves=(Digest.of(flipped), len(flipped) // 32)).encode()})),
        ("consistency-of-another-log", "invalid", {"deployment.evidence": "differs"}, _evidence(
            **{"log.leaves": foreign[1], "log.consistency.json": foreign[0].encode()})),
        ("genesis-under-another-name", "invalid", {"deployment.evidence": "differs"}, _evidence(
            **{"genesis.json": b"{}", f"statement-{STORE.short}.json": WORLD.genesis.encode()})),
        ("policy-that-no-log-has", "incomplete", {"deployment.evidence": "missing-file"}, _evidence(
            **{"policy-3.json": policy(revoked(TRAINER.did, 1), RULES, made.MALLORY).encode()})),
        ("policy-under-another-number", "invalid", {"deployment.evidence": "disagrees"}, _evidence(
            **{f"policy-7.{end}": SOUND[f"lyrikstore/policy-2.{end}"]
               for end in ("json", "tlog-proof")})),
        ("manifest-as-statement", "invalid", {"deployment.evidence": "disagrees"},
         _evidence(**{f"statement-{Digest.of(manifest).short}.json": manifest})),
        ("consistency-removed", "invalid", {"deployment.evidence": "extra"},
         _evidence(**{"log.consistency.json": None})),
        ("by-a-stranger", "invalid", {signature: "unauthorised"}, _another(author=made.MALLORY)),
        ("by-a-stolen-key", "invalid",
         {signature: "unauthorised", "deployment.evidence": "unauthorised",
          "deployment.made-from": "missing-file", "deployment.rights": "missing-file",
          "deployment.approval": "missing-file"},
         _another(after=(theft,))),
        ("manifest-edited", "invalid", {**nothing_read, signature: "bad-signature"},
         _evidence(**{"manifest.json": manifest.replace(b'"f16"', b'"x16"').replace(
             b'"quantization":"none"', b'"quantization":"f16"')})),
        ("manifest-of-another-kind", "invalid", {**nothing_read, signature: "wrong-kind"},
         _evidence(**{"manifest.json": CHECKPOINT.encode()})),
        ("manifest-removed", "incomplete", {**nothing_read, signature: "missing-file"},
         _evidence(**{"manifest.json": None})),
        ("unsigned", "incomplete", {**nothing_read, signature: "unsigned"},
         _changed({**dict.fromkeys(every), "lyrikstore/UNSIGNED.txt": b"Nobody signed it.\n"})),
    ]  # fmt: skip


def _hashes() -> list[bytes]:
    data = SOUND["lyrikstore/log.leaves"]
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def _proof_of_before() -> bytes:
    """Return the log proof of the entry under a log checkpoint that came before it."""
    proof = TlogProof.parse(SOUND["lyrikstore/log.tlog-proof"])
    hashes = _hashes()[: proof.index]
    note = LogCheckpoint(made.ORIGIN, len(hashes), merkle.root(hashes)).sign(made.LOG)
    return TlogProof(proof.index, proof.hashes, note).encode()


def _by_another_log() -> bytes:
    proof = TlogProof.parse(SOUND["lyrikstore/log.tlog-proof"])
    hashes = _hashes()
    head = LogCheckpoint(made.ORIGIN, len(hashes), merkle.root(hashes))
    return TlogProof(proof.index, proof.hashes, head.sign(made.MALLORY)).encode()


def _of_inputs() -> list[Row]:
    origin = "deployment.made-from"
    own_limit = {"abstainBelow": "0.800000", "limitFrom": "deployment"}
    other = checkpoint_of(RUN, step=200)
    other_run, other_base = run_of(seed=43), signed(
        "checkpoint", "checkpoints/acme/other-base", made.OWNER, THEN,
        body={"origin": "imported", "format": "encoder/1"}, tree=Digest.of(b"x"),
        files=Digest.of(b"y"),
    )  # fmt: skip
    bare = {"card": None, "approvals": ()}
    no_card = {"deployment.approval": "n/a"}
    return [
        ("without-a-card", "trusted", no_card, _another(**bare)),
        ("without-evaluations", "trusted", {}, _another(evaluations=())),
        ("evaluation-of-another", "invalid", {origin: "other-checkpoint"},
         _another(evaluations=(EVALUATION, evaluation_of(other)))),
        ("card-of-another", "invalid", {origin: "other-checkpoint"},
         _another(card=(card := card_of(other)), approvals=(approval_of(card),))),
        ("card-of-another-text", "invalid", {origin: "other-card"},
         _another(card=(card := card_of(CHECKPOINT, b"# Another\n")),
                  approvals=(approval_of(card),))),
        ("run-of-another", "invalid", {origin: "other-run"}, _another(run=other_run)),
        ("base-of-another", "invalid", {origin: "other-base"}, _another(base=other_base)),
        ("base-left-out", "invalid", {origin: "other-base"}, _another(base=None)),
        ("status-of-no-card", "invalid", {origin: "disagrees", **no_card},
         _another(**bare, body={"cardStatus": "approved"})),
        ("another-decision", "invalid", {origin: "disagrees"},
         _another(body={"decision": {"temperature": "1.000"}})),
        ("limit-of-its-own", "trusted", {},
         _another(body={"decision": {**DECISION, **own_limit}})),
        ("compared", "trusted", {}, _another(body={"check": COMPARED})),
        ("limit-of-nobody", "invalid", {origin: "disagrees"},
         _another(body={"decision": {**DECISION, "abstainBelow": "0.800000"}})),
        ("limit-without-a-figure", "invalid", {origin: "disagrees"},
         _another(body={"decision": {"limitFrom": "deployment"}})),
        ("limit-of-its-own-and-more", "invalid", {origin: "disagrees"},
         _another(body={"decision": {**DECISION, **own_limit, "temperature": "1.000"}})),
        ("unlike-of-nobody", "invalid", {origin: "disagrees"},
         _another(body={"unlike": {"method": "class-distances/1", "limit": "9.99"}})),
        ("another-limit", "invalid", {origin: "disagrees"},
         _another(body={"limits": {"maxTokens": 128}})),
        ("another-format", "invalid", {origin: "disagrees"}, _another(body={"format": "tfidf/1"})),
        ("another-task", "invalid", {origin: "disagrees"}, _another(body={"task": "multi-label"})),
        ("evaluation-logged-later", "invalid",
         {"deployment.evidence": "logged-later", origin: "missing-file"},
         _another(late=(EVALUATION,))),
    ]  # fmt: skip


COMPARED = {
    "count": 26,
    "agreeing": 26,
    "greatestDifference": "0.000001",
    "tolerance": "0.001000",
    "latencyMs": {"p50": "0.04", "p95": "0.49"},
    "servedBy": "onnxruntime 1.22.1",
    "testPart": {
        "testSet": str(WORLD.manifest.id),
        "count": 20,
        "agreeing": 20,
        "greatestDifference": "0.000002",
    },
}
"""What a deployment says that was compared."""


def _of_rights() -> list[Row]:
    rights = "deployment.rights"

    def recorded(**changes: Any) -> dict[str, Any]:
        run = run_of(rights=[{**RIGHT, **changes}])
        checkpoint = checkpoint_of(run)
        return {"run": run, "checkpoint": checkpoint, "evaluations": (), "card": None,
                "approvals": ()}  # fmt: skip

    def of_run(**changes: Any) -> dict[str, Any]:
        run = run_of(**changes)
        return _another(
            run=run, checkpoint=checkpoint_of(run), evaluations=(), card=None, approvals=()
        )

    def granted_by(signer: KeySigner = made.OWNER, **changes: Any) -> dict[str, Any]:
        claims = Claims.of(parse(WORLD_CREDENTIAL)["credentialSubject"])
        options = {"holder": TRAINER.did, "limits": {}, **changes}
        grant = granted(claims, signer, WORLD_CREDENTIAL, **options).encode()
        parts = recorded(grant=str(Digest.of(grant)))
        return _another(**parts, credentials=(WORLD_CREDENTIAL, grant))

    parted = made.resigned(WORLD_CREDENTIAL, _part)

    def of_partition(purpose: str, **right: Any) -> dict[str, Any]:
        about = Claims.of(parse(parted)["credentialSubject"])
        grant = granted(about, made.OWNER, parted, holder=TRAINER.did, limits={}).encode()
        named = {"credential": str(Digest.of(parted)), "grant": str(Digest.of(grant)), **right}
        run = run_of(purpose=purpose, rights=[{**RIGHT, **named}])
        return _another(run=run, checkpoint=checkpoint_of(run), evaluations=(), card=None,
                        approvals=(), credentials=(parted, grant))  # fmt: skip

    organisation = terms_of(WORLD_CREDENTIAL)
    by_web = recorded(credential=str(Digest.of(organisation)), issuer=WEB)

    def of_web(beside: dict[str, bytes], *texts: str) -> dict[str, Any]:
        changes = _another(**by_web, credentials=(organisation,), also=beside)
        return {**changes, "trust": pinned(*texts, trust=TRUST)}

    forged = made.edited(WORLD_CREDENTIAL, made.term("requires", ["x-nothing"]))
    listing = document(FIRST).encode()
    bare = {"deployment.approval": "n/a"}
    later, earlier = DEPLOYED, THEN - timedelta(hours=1)
    good = revoked_list("revocation", later, revoked=False)
    edited = revoked_list("revocation", later).replace(b"2026-11-26", b"2026-11-25")
    credential = f"credential-{SHORT}"
    left_out = {"credentialsLeftOut": [str(CREDENTIAL)]}
    return [
        ("credential-removed", "incomplete",
         {rights: "missing-file", "deployment.evidence": "missing-file"},
         _evidence(**{f"{credential}.json": None})),
        ("credential-edited", "invalid",
         {rights: "missing-file", "deployment.evidence": "differs"},
         _evidence(**{f"{credential}.json": made.edited(
             WORLD_CREDENTIAL, made.term("permits", ["train", "evaluate", "redistribute"]))})),
        ("revoked-since", "valid", {rights: "taken-back-later"},
         _another(status={"revocation": revoked_list("revocation", later)})),
        ("suspended-since", "valid", {rights: "taken-back-later"},
         _another(status={"suspension": revoked_list("suspension", later)})),
        ("revoked-before-the-run", "invalid", {rights: "revoked"},
         _another(status={"revocation": revoked_list("revocation", earlier)})),
        ("not-revoked", "trusted", {}, _another(status={"revocation": good})),
        ("not-revoked-and-old", "trusted", {},
         {**_another(status={"revocation": good}), "at": "2027-10-01T00:00:00Z"}),
        ("list-edited", "incomplete", {rights: "unsound-list"},
         _another(status={"revocation": edited})),
        ("list-under-another-name", "invalid", {"deployment.evidence": "differs"},
         _another(status={"suspension": MODEL["config.json"]})),
        ("other-issuer", "invalid", {**bare, rights: "other-issuer"},
         _another(**recorded(issuer=made.MALLORY.did))),
        ("other-dataset", "invalid", {**bare, rights: "other-dataset"},
         _another(**recorded(dataset=str(Digest.of(b"another"))))),
        ("other-partitions", "invalid", {**bare, rights: "disagrees"},
         _another(**recorded(partitions=["open"]))),
        ("not-permitted", "invalid", {**bare, rights: "not-stated"},
         of_run(purpose="commercialUse")),
        ("prohibited", "invalid", {**bare, rights: "prohibited"},
         of_run(purpose="redistribute")),
        ("credential-that-does-not-hold", "invalid", {**bare, rights: "unsound"},
         _another(**recorded(credential=str(Digest.of(forged))), credentials=(forged,))),
        ("granted", "trusted", bare, granted_by()),
        ("granted-to-another", "invalid", {**bare, rights: "other-holder"},
         granted_by(holder=APPROVER.did)),
        ("granted-by-another", "invalid", {**bare, rights: "other-issuer"},
         granted_by(made.MALLORY)),
        ("granted-for-less", "invalid", {**bare, rights: "undeclared"},
         granted_by(limits={"territory": ["AT"]})),
        ("granted-for-partitions", "trusted", bare, of_partition("train")),
        ("granted-for-one-partition", "trusted", bare,
         of_partition("commercialUse", partitions=["open"])),
        ("granted-for-partitions-that-permit-less", "invalid", {**bare, rights: "not-stated"},
         of_partition("commercialUse")),
        ("grant-removed", "incomplete",
         {**bare, rights: "missing-file", "deployment.evidence": "missing-file"},
         {**(one := granted_by()), "files": {
             path: data for path, data in one["files"].items()
             if not path.startswith("lyrikstore/credential-") or SHORT in path}}),
        ("by-an-organisation", "valid", {**bare, rights: "snapshot-only"},
         of_web(_named("document", listing))),
        ("by-an-organisation-that-is-pinned", "trusted", bare, of_web({}, listing.decode())),
        ("by-an-organisation-without-document", "incomplete", {**bare, rights: "no-document"},
         of_web({})),
        ("purpose-unreadable", "invalid", {**bare, rights: "bad-use"},
         of_run(config={"use": {"seats": "many"}})),
        ("deployed-in-doubt", "valid", {rights: "unread-notice"},
         _another(body={"rights": {"state": "unchecked", "reason": "unread-notice"}})),
        ("none-recorded", "invalid", {**bare, rights: "none-recorded"}, _another(
            run=(run := run_of(rights=[])), checkpoint=checkpoint_of(run), evaluations=(),
            card=None, approvals=(), credentials=())),
        ("left-out", "trusted", {}, _another(credentials=(), body=left_out)),
        ("left-out-by-a-stranger", "valid",
         {"store.genesis": "unknown-founder", rights: "unknown-issuer"},
         {**_another(credentials=(), body=left_out), "trust": "version = 1\n"}),
        ("left-out-unsaid", "incomplete",
         {rights: "missing-file", "deployment.evidence": "missing-file"}, _another(credentials=())),
        ("left-out-and-there", "invalid", {"deployment.evidence": "extra"},
         _another(body=left_out)),
        ("left-out-of-another-run", "invalid", {"deployment.made-from": "disagrees"},
         _another(body={"credentialsLeftOut": [str(Digest.of(b"another"))]})),
        ("deployed-by-who-knew-nobody", "trusted", {},
         _another(body={"rights": {"state": "warn", "reason": "unknown-issuer"}})),
    ]  # fmt: skip


def _of_decisions() -> list[Row]:
    made_from = "deployment.made-from"
    other = checkpoint_of(RUN, step=77)
    return [
        ("decided-by-rules", "trusted", {}, _another(decisions=(decision_of(CHECKPOINT),))),
        ("decision-about-another", "invalid", {made_from: "other-checkpoint"},
         _another(decisions=(decision_of(other),))),
        ("decision-about-another-use", "invalid", {made_from: "disagrees"},
         _another(decisions=(decision_of(CHECKPOINT, "train"),))),
    ]  # fmt: skip


def _of_cards() -> list[Row]:
    approval = "deployment.approval"
    second = policy(with_approvers([made.OWNER.did]), RULES)
    return [
        ("not-approved", "trusted", {approval: "not-approved"}, _another(approvals=())),
        ("self-approved", "trusted", {approval: "self-approved"},
         _another(approvals=(approval_of(CARD, TRAINER),),
                  rules=(RULES, policy(with_approvers([TRAINER.did]), RULES)))),
        ("approved-by-who-may-not", "invalid",
         {approval: "not-approved", "deployment.evidence": "unauthorised",
          "deployment.made-from": "missing-file"},
         _another(approvals=(approval_of(CARD, made.MALLORY),))),
        ("approval-of-another", "invalid",
         {approval: "not-approved", "deployment.made-from": "other-card"},
         _another(approvals=(approval_of(card_of(CHECKPOINT, b"# Another\n")),))),
        ("approval-withdrawn", "invalid",
         {approval: "not-approved", "deployment.made-from": "withdrawn"},
         _another(approvals=(approval_of(CARD, decision="withdraw"),))),
        ("approved-by-a-stolen-key", "invalid",
         {approval: "not-approved", "deployment.evidence": "unauthorised",
          "deployment.made-from": "missing-file"},
         _another(after=(policy(revoked(APPROVER.did, 1), second),), rules=(RULES, second))),
    ]  # fmt: skip
