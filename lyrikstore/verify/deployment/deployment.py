"""Verification of a deployed folder, sans-IO (spec §14.7.7).

The caller passes the files through a small protocol, and those below ``lyrikstore/`` as bytes, so
that the same vectors test Python, the command line and the page. Invalid input of an attacker never
raises an exception: it becomes a failed check.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import BinaryIO

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import name_some, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.credential.status import StatusUpdates
from lyrikstore.verify.delivery.alone import SignedAlone, judge_alone, signed_manifest
from lyrikstore.verify.delivery.compare_files import DataSource, check_files
from lyrikstore.verify.delivery.dataset import check_bare_files
from lyrikstore.verify.deployment import layout
from lyrikstore.verify.deployment.approval import check_deployed_approval
from lyrikstore.verify.deployment.compared import compared_in_words
from lyrikstore.verify.deployment.credentials import left_out
from lyrikstore.verify.deployment.evidence import (
    EvidenceFiles,
    EvidenceOutcome,
    check_evidence,
)
from lyrikstore.verify.deployment.made_from import README, made_from_faults, other_limit
from lyrikstore.verify.deployment.model_sig import check_model_signature
from lyrikstore.verify.deployment.rights import check_rights_beside, rights_in_base
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, Report, failed, unchecked

PROCEDURE = "deployment"
KIND = "deployment"
_PART = 1 << 20


def verify_deployment(
    evidence: EvidenceFiles,
    data: DataSource,
    *,
    trust: Trust,
    at: datetime,
    memory: LogMemory | None = None,
    status_files: Iterable[bytes] = (),
    part: str = "",
) -> Report:
    """Return the report on a deployed folder. Never raises for bad input.

    (1) The manifest: its signer, the log and the log index.
    (2) The files: exactly those that its tree lists.
    (3) The evidence: each file below ``lyrikstore/`` is what its name states.
    (4) The inputs: the manifests beside it agree with the deployment.
    (5) The rights: those that the credentials beside it gave, and later revocations.
    (6) The approvals of its card.

    Args:
        evidence: The files below ``lyrikstore/``.
        data: All other files.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
        memory: Remembered log checkpoints, or None.
        status_files: Newer status lists than those beside it, and key statements of stores.
        part: Path of the file in the folder that the user named, for the report; else empty.

    Raises:
        NotFoundError: (``no-data``) the folder does not exist any more.
        StorageError: The folder or the memory cannot be read.

    Cost: one read of the files; a signature for each manifest, credential and log proof.
    """
    deployment, problem = _read(evidence)
    if deployment is None:
        subject = "unsigned folder"
        return Report.of(PROCEDURE, (problem,), subject=subject, issuer=None, at=at)
    later = tuple(status_files)
    beside = (*evidence.files.values(), *later)
    # ATTACK A104: a folder of a key that was stolen, as it was handed over before anybody knew.
    signed = judge_alone(deployment, beside, trust=trust, at=at, memory=memory)
    files, sums = _check_files(deployment, evidence, data)

    def fault_of(model_sig: bytes) -> str | None:
        # Of other files than those listed, `deployment.files` says which.
        key = deployment.body["oms"]["publicKey"]
        fault = check_model_signature(model_sig, key, sums or {})
        return None if fault == "other-files" and sums is None else fault

    found = check_evidence(deployment, evidence, signed, fault_of)
    status_updates = StatusUpdates.among(map(OpenedCredential, beside))
    run = _input(deployment, found, "run")
    made = (
        *signed.checks,
        _with_part(files, part),
        found.check,
        _check_made_from(deployment, found),
        check_rights_beside(deployment, run, found.credentials, status_updates, trust=trust, at=at),
        _check_approval(deployment, found, signed, later, trust=trust, at=at),
    )
    return Report.of(
        PROCEDURE,
        made,
        subject=str(deployment.id),
        issuer=deployment.author,
        at=at,
        open_questions=[
            *_open_rights(deployment, _input(deployment, found, "base")),
            *_open_rules(deployment, found),
        ],
    )


def _open_rights(deployment: Manifest, base: Manifest | None) -> Iterator[str]:
    if absent := sorted(one.short for one in left_out(deployment)):
        yield not_proven("left-out", name_some(absent))
    if base is not None:
        yield rights_in_base(base)


def _open_rules(deployment: Manifest, found: EvidenceOutcome) -> Iterator[str]:
    """Yield that what names a decision was decided by rules, which only the store can check."""
    sound = [found.inputs[one.id] for one in deployment.inputs if one.id in found.inputs]
    decided = [one.name for one in (deployment, *sound) if one.inputs_in(layout.DECISION)]
    if decided:
        yield not_proven("rules", name_some(list(dict.fromkeys(decided))))


def _read(evidence: EvidenceFiles) -> tuple[Manifest | None, Check]:
    check, data = "manifest.signature", evidence.files.get(layout.MANIFEST)
    if data is None:
        if layout.UNSIGNED in evidence.files:
            summary = f"unsigned: {layout.FOLDER}/{layout.UNSIGNED} says that nobody signed it"
            return None, unchecked(check, "unsigned", summary)
        # ATTACK: a signed folder is made to look like one of a version that signed none.
        if layout.EARLIER in evidence.surplus:
            summary = "unsigned: it is of an earlier version, which signed no list of its files"
            return None, unchecked(check, "unsigned", summary)
        summary = f"{layout.FOLDER}/{layout.MANIFEST} is not there"
        return None, unchecked(check, "missing-file", summary)
    try:
        manifest = parse_manifest(data)
    except LyrikstoreError as error:
        summary = f"{layout.FOLDER}/{layout.MANIFEST}: {quote(error.message, 200)}"
        return None, failed(check, error.kind, summary)
    if manifest.kind != KIND:
        summary = f"{layout.FOLDER}/{layout.MANIFEST} is the manifest of a {manifest.kind}"
        return None, failed(check, "wrong-kind", summary)
    return manifest, unchecked(check, "no-policy", "")


def _check_files(
    deployment: Manifest, evidence: EvidenceFiles, data: DataSource
) -> tuple[Check, dict[str, bytes] | None]:
    """Return ``deployment.files``, and path → SHA-256 if every file is the listed one."""
    check, sums = "deployment.files", dict[str, bytes]()
    listing, files = evidence.files.get(layout.TREE, b""), deployment.files

    def add(entry: TreeEntry, stream: BinaryIO) -> None:
        hasher = sha256()
        while part := stream.read(_PART):
            hasher.update(part)
        sums[entry.path] = hasher.digest()

    if Digest.of(listing) != deployment.tree and files is not None:
        # Without its list no file can be named; what they give together is signed, too.
        return check_bare_files(files, data, check), None
    try:
        tree = Tree.parse(listing)
    except FormatError as error:
        summary = f"the list of files is malformed: {quote(error.message, 200)}"
        return failed(check, error.kind, summary), None
    try:
        comparison = data.compare(tree, add if layout.SIGNED_FILES in evidence.files else None)
    except IncompleteError as error:
        return unchecked(check, error.kind, error.message), None
    return check_files(comparison, check, whole=True), sums if comparison.complete else None


def _with_part(files: Check, part: str) -> Check:
    if not part:
        return files
    summary = f"{quote(part, 300)} is a part of the folder, which is judged whole: {files.summary}"
    return Check(files.id, files.state, (summary, {**files.detail, "part": part}))


def _input(deployment: Manifest, found: EvidenceOutcome, role: str) -> Manifest | None:
    named = deployment.inputs_in(role)
    return found.inputs.get(named[0].id) if named else None


def _check_made_from(deployment: Manifest, found: EvidenceOutcome) -> Check:
    readme = None if found.tree is None else found.tree.by_path.get(README)
    problems = Problems("deployment.made-from")
    digest = None if readme is None else readme.blake3
    for fault in made_from_faults(deployment, found.inputs.get, digest):
        problems.add(problems.bad, fault.code, fault.text)
    for item in deployment.inputs:
        if item.id not in found.inputs:
            text = f"{item.role} {item.id.short} is not beside it, or not sound"
            problems.add(problems.lost, "missing-file", text)
    body = deployment.body
    checkpoint, run = (_input(deployment, found, role) for role in ("checkpoint", "run"))
    count = len(deployment.inputs_in("evaluation"))
    rounded = "" if body["quantization"] == "none" else f", in {quote(body['quantization'])}"
    parts = [
        f"{deployment.name} for {quote(body['loader'])} ({body['target']}{rounded})",
        f"from {_called(checkpoint)}",
        f"made by {_called(run)}",
        pluralize(count, "evaluation"),
    ]
    detail: dict[str, JSON] = {
        "deployment": deployment.name,
        "target": body["target"],
        "inputs": [
            {"role": item.role, "id": str(item.id)}
            | ({"name": found.inputs[item.id].name} if item.id in found.inputs else {})
            for item in deployment.inputs
        ],
    }
    if limit := other_limit(deployment, checkpoint):
        own = limit.get("sealed", "?")
        parts.append(f"no answer below {limit['served']}, where its checkpoint says {own}")
        detail["limit"] = dict(limit)
    check = body.get("check")
    if check is not None:
        detail["compared"] = check
    parts.append(f"stated: {compared_in_words(check)}")
    return problems.close(", ".join(parts), **detail)


def _called(manifest: Manifest | None) -> str:
    return "?" if manifest is None else f"{manifest.name} ({manifest.id.short})"


def _check_approval(
    deployment: Manifest,
    found: EvidenceOutcome,
    signed: SignedAlone,
    later: Iterable[bytes],
    *,
    trust: Trust,
    at: datetime,
) -> Check:
    named = deployment.inputs_in("card")
    card = found.inputs.get(named[0].id) if named else None
    if named and card is None:
        return unchecked("deployment.approval", "missing-file", "its card is not beside it")
    makers = [_input(deployment, found, role) for role in ("card", "checkpoint", "run")]
    approvals = [
        one
        for item in deployment.inputs_in("approval")
        if (one := found.inputs.get(item.id)) is not None and one.body["decision"] == "approve"
    ]
    # What a verifier has of later: an approval may have been withdrawn since.
    approvals += [one for data in later if (one := signed_manifest(data)) is not None]
    made = [one for one in makers if one is not None]
    return check_deployed_approval(card, made, approvals, signed, trust=trust, at=at)
