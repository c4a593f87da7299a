"""Deployment: a trained checkpoint as a folder that a serving program loads (spec §14.7).

The folder is built under a temporary name beside its destination, signed and logged. It is renamed
when it is complete and, with ``check``, when the serving program gave the sealed model's answers.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    InvalidInputError,
    PolicyError,
    VerificationError,
    storage_errors,
)
from lyrikstore.context import StoreContext
from lyrikstore.credentials.terms.model import Use
from lyrikstore.deploy.build import FolderBuild, readme_of, texts_of
from lyrikstore.deploy.evidence import (
    Shown,
    check_pushed,
    check_writable,
    evidence_files,
    inputs_of,
    telling_credentials,
    unsigned_evidence,
)
from lyrikstore.deploy.notice import notice_of
from lyrikstore.deploy.seal import (
    Signing,
    check_may_log,
    log_deployment,
    once_logged,
    push_logged,
)
from lyrikstore.governance.decide import decided_and_held
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.sync.push import push
from lyrikstore.publish.cards.approval import CardStatus, check_approved, check_card_approved
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.gathering.form import VALUES
from lyrikstore.publish.issue.atomic_folder import building, check_place, put_in_place
from lyrikstore.readers import all_readers
from lyrikstore.train.resolve_checkpoint import check_limit, resolve_trained
from lyrikstore.train.serving.model import ModelWorkers, ProbeResult, ServedModel
from lyrikstore.train.serving.probe import read_probe
from lyrikstore.train.task import find_task
from lyrikstore.train.worker.staging import open_staging
from lyrikstore.train.worker.targets.registry import Target, target_for
from lyrikstore.verify.deployment.credentials import credentials_of
from lyrikstore.verify.evaluation.choice.task import DEPLOYMENT, with_limit
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE
from lyrikstore.verify.report import Check, CheckState, Report
from lyrikstore.verify.rights import recorded
from lyrikstore.verify.rights.judge import ENDED_LATER, REVOKED_LATER
from lyrikstore.verify.rights.required import check_rights
from lyrikstore.verify.rules.uses import model_use
from lyrikstore.verify.store.object import verify_object
from lyrikstore.version import __version__

if TYPE_CHECKING:
    from lyrikstore.objects.backends.open import RemotePlace

CHECK_RECORDS = 20
"""Records of the test part on which a folder is compared by default."""

_EXPORTED = "out/export"


class Deployment(Struct, frozen=True):
    """A deployed folder.

    Attributes:
        checkpoint: Manifest of the checkpoint.
        manifest: Manifest of the deployment; None: the folder is unsigned.
        body: Body of the manifest, also of an unsigned folder, without the key of ``model.sig``.
        folder: Path of the folder.
        card: Manifest id of the signed card in its README; None: the README is a draft.
        card_status: The status of that card in the log; None: there is no card.
        withheld: Datasets whose terms do not permit the redistribution of models trained on them →
        whether they prohibit it; otherwise the terms do not mention it.
        rights: The check of the rights that it depends on.
        check: Comparison of its answers with the sealed model's; None: not compared now.
        files: Names of its files.
        bytes: Total size of its files in bytes.
    """

    checkpoint: Manifest
    manifest: Manifest | None
    body: Mapping[str, Any]
    folder: Path
    card: Digest | None
    card_status: CardStatus | None
    withheld: Mapping[str, bool]
    rights: Check
    check: ProbeResult | None = None
    files: tuple[str, ...] = ()
    bytes: int = 0


def deploy_checkpoint(
    context: StoreContext,
    checkpoint_ref: str,
    target_name: str,
    destination: Path,
    *,
    name: str = "",
    sign: bool = True,
    remote: "str | RemotePlace | None" = None,
    probe: Path | None = None,
    check: bool = False,
    check_records: int = CHECK_RECORDS,
    with_values: bool = False,
    abstain_below: float | None = None,
) -> Deployment:
    """Write a folder that a serving program loads, and that gives the checkpoint's answers.

    Its files are stored, and its manifest is signed and logged, before it gets its final name; a
    clone also pushes it. An interruption leaves nothing logged, or a logged deployment that
    :func:`lyrikstore.deploy.rebuild.deploy_again` can write.

    Args:
        context: The store, opened to append if the deployment is signed.
        checkpoint_ref: A checkpoint that a run made.
        target_name: One of :data:`lyrikstore.train.worker.targets.registry.TARGETS`.
        destination: A folder that does not exist or is empty; its parent exists.
        name: Name of the deployment; empty: derived from its checkpoint and target.
        sign: Whether it is signed and logged; if not, nothing is written to the store, and the
        folder states that it is unsigned.
        remote: The remote to which a clone pushes the deployment.
        probe: Probe texts for both models, as :func:`lyrikstore.train.serving.probe.read_probe`
        accepts them; None: texts made of the vocabulary.
        check: Load the folder with the target's own program, and compare its answers.
        check_records: Also compare on this many records of the locked test part; the folder
        contains nothing of them. Without a test part, or with 0, no records are used.
        with_values: Include credentials that contain labels of the data, suffixes of its files or
        the selection of a part of it; if not, these are left out and listed.
        abstain_below: The confidence below which the model abstains; None: the limit of the
        checkpoint.

    Raises:
        InvalidInputError: The model, its target, the probe, the limit or the name is invalid: as
        :func:`resolve_trained`, :func:`target_for`, :func:`read_probe`,
        :func:`served_decision` and :func:`check_may_log`.
        ConflictError: As :func:`check_place` and :func:`check_pushed`; (``ids-alike``) ids of two
            of its inputs start with the same digits.
            PolicyError: (``rights-missing``) a right that it depends on does not hold, was revoked
            or has ended, or the test part may not be used to evaluate; (``not-approved``) the
            store's policy requires an approved card, and the card is not approved;
            (``unauthorised``) the policy does not let the signer sign a deployment.
            VerificationError: (``not-verified``) the checkpoint, or one of its inputs, does not
            verify; (``answers-differ``) the folder gives other answers; it was removed.
        IncompleteError, NotFoundError, StorageError, RunFailedError: As for a prediction.
        LyrikstoreError: As a commit and a push; the error states whether the deployment is logged
        by then.

    Cost: reads and hashes all inputs of the checkpoint; then seconds, with ``onnx`` about half a
    minute.
    """
    repo, trust, clock = context.repository, context.trust, context.clock
    repo.renew()  # no cache is evidence, and all that follows is about what is verified
    signing = _signing(context, name, remote) if sign else None
    texts = None if probe is None else read_probe(probe)
    check_place(destination)
    checkpoint = resolve_trained(repo, checkpoint_ref)
    lineage = Lineage.read(repo, checkpoint.id)
    body = checkpoint.body
    run = repo.manifest(checkpoint.inputs_in("run")[0].id)
    fields = bool(run.body["config"]["data"].get("fields"))
    target = target_for(target_name, body["format"], fields=fields, check=check)
    decision = served_decision(checkpoint, abstain_below)
    user = context.signer().did if sign else None
    again = context.again(lambda: _check_still(context, checkpoint, card))
    status = check_approved(repo, checkpoint, trust=trust, at=clock())
    facts = gather(repo, checkpoint, lineage=lineage)
    test = None
    if check and check_records:
        test = _test_part(context, run, facts.evaluations, user)
    inputs = inputs_of(repo, facts, () if status is None else status.approvals)
    check_pushed(repo, (one.id for one in inputs))
    name = (signing or Signing(name)).name_for(checkpoint, target.name)
    use = model_use(repo, "deploy", name, checkpoint, target.name)
    decided, again = decided_and_held(context, use, again)
    if signing is not None:
        check_may_log(context, signing, name)
    report = verified(context, checkpoint, lineage)
    rights = rights_of(report)
    renewed = tuple(map(Digest.parse, rights.get("renewedBy", ())))
    telling = telling_credentials(repo, credentials_of(run, renewed))
    kept = () if with_values else telling
    credentials = Shown(renewed, kept)
    check_writable(repo, inputs, credentials, clock())
    card = next((repo.manifest(one.id) for one in inputs if one.role == "card"), None)
    readme, notice = readme_of(repo, facts, card), notice_of(repo, facts, rights, clock())
    shown = {VALUES} if with_values and telling else set()
    work = context.own_cache or repo.root
    with storage_errors(f"making {work}"):
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_staging(work) as staging, building(destination) as folder:
        built = FolderBuild(folder)
        workers = ModelWorkers(context, staging, int(run.body["environment"]["threads"]))
        model = find_task(body["task"]).served(checkpoint, run, target, workers)
        model.decide_by(decision)
        asked = model.answer(texts, test, check_records)
        built.copy(staging.path / _EXPORTED, model.export())
        found = model.ask(folder) if check else None
        probed = None if found is None else model.probe_record(found)
        beside = {**notice.licences, "NOTICE": notice.text.encode()}
        signed = signing is not None
        built.write(texts_of(readme, beside, model, check=probed, signed=signed))
        files = built.list_files()
        built.check()
        said = _body(checkpoint, target, model, decision) | {
            "probe": {"count": asked, "made": texts is None},
            "withData": sorted(shown.union(readme.with_data)),
            "rights": rights,
        }
        if probed is not None:
            said["check"] = probed
        if status is not None:
            said["cardStatus"] = status.word
        if kept:
            said["credentialsLeftOut"] = [str(one) for one in kept]
        result = Deployment(
            checkpoint=checkpoint,
            manifest=None,
            body=said,
            folder=destination,
            card=None if card is None else card.id,
            card_status=status,
            withheld=notice.withheld,
            rights=report.check("rights"),
            check=found,
        )
        if signing is None:
            built.write(unsigned_evidence(repo, inputs, credentials, clock()))
            return in_place(result, built)
        deployment = log_deployment(
            context,
            folder,
            files,
            name=name,
            body=said,
            inputs=inputs,
            report=report,
            again=again,
            decided=decided,
        )
        with once_logged(repo, deployment):
            push_logged(repo, signing, deployment)
            built.write(evidence_files(repo, deployment, clock()))
            return in_place(replace(result, manifest=deployment), built)


def _signing(context: StoreContext, name: str, remote: "str | RemotePlace | None") -> Signing:
    context.signer()  # whoever cannot sign learns of it before the work
    if remote is None:
        return Signing(name)
    how: Any = {"memory": context.memory, "log_signer": context.home_log_signer}
    return Signing(name, partial(push, context.repository, context.reach(remote), **how))


def rights_of(report: Report) -> dict[str, Any]:
    """Return the member ``rights`` of a deployment's body, from a report.

    Args:
        report: The report on its checkpoint.
    """
    check = report.check("rights")
    kept = ("reason", "until", "deleteOnExpiry", "renewedBy")
    found = {name: check.detail[name] for name in kept if name in check.detail}
    return {"state": str(check.state), **found}


def _test_part(
    context: StoreContext, run: Manifest, evaluations: Sequence[Manifest], user: str | None
) -> Manifest | None:
    """Return the locked test part of a run, if it may be used to evaluate; None: there is none.

    It is the test part that the run named before training, else that of the last evaluation.
    """
    named = list(run.inputs_in("test"))
    for one in reversed(evaluations):
        if "purpose" not in one.body:
            named += one.inputs_in("test")
    if not named:
        return None
    test = context.repository.manifest(named[0].id)
    use = Use.of_evaluation(run.body["config"], context.clock())
    of: dict[str, Any] = {"trust": context.trust, "user": user, "measuring": use}
    try:
        check_rights(context.repository, [test], use, **of)
    except PolicyError as error:
        no_record = "compare without its records: --check-records 0"
        error.hint = f"{error.hint}; {no_record}" if error.hint else no_record
        raise
    return test


def served_decision(checkpoint: Manifest, abstain_below: float | None) -> Mapping[str, Any]:
    """Return the answer rule of a served checkpoint; empty: it has none.

    Raises:
        InvalidInputError: (``bad-confidence``) the limit is invalid; the checkpoint generates text,
        or is not the final one of its run, which alone has calibrated confidences.
    """
    decision: Mapping[str, Any] = checkpoint.body.get("decision", {})
    if abstain_below is None:
        return decision
    check_limit(checkpoint, abstain_below)
    if not decision:
        raise InvalidInputError(
            "bad-confidence",
            f"{checkpoint.name} has no calibrated confidence",
            hint="deploy the final checkpoint of its run, or omit --abstain-below",
        )
    return with_limit(decision, abstain_below, DEPLOYMENT)


def _body(
    checkpoint: Manifest, target: Target, model: ServedModel, decision: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the members of a deployment's body about the model and its serving program."""
    sealed = checkpoint.body
    return {
        "target": target.name,
        "loader": target.loader,
        **{name: sealed[name] for name in ("task", "format") if name in sealed},
        **({"decision": dict(decision)} if decision else {}),
        **({UNLIKE: sealed[UNLIKE]} if UNLIKE in sealed and target.detects_unlike else {}),
        "quantization": target.quantization,
        "limits": dict(model.limits),
        "software": f"lyrikstore {__version__}",
    }


def in_place(result: Deployment, built: FolderBuild) -> Deployment:
    """Rename a built folder to its destination; return the deployment with its files.

    Raises:
        RunFailedError: (``bad-output``) the folder has other files than were written to it.
    """
    built.check()
    put_in_place(built.folder, result.folder)
    return replace(result, files=tuple(sorted(built.sizes)), bytes=sum(built.sizes.values()))


def verified(context: StoreContext, checkpoint: Manifest, lineage: Lineage | None = None) -> Report:
    """Return the report on a checkpoint; raise unless it may be deployed.

    Args:
        context: The store.
        checkpoint: The checkpoint.
        lineage: As for :func:`verify_object`.

    Raises:
        PolicyError: (``rights-missing``) a right that it depends on does not hold, was revoked or
        has ended; or its base model was trained on data that did not permit the use.
        VerificationError: (``not-verified``) the checkpoint, or one of its inputs, does not verify.
    """
    # ATTACK A88: a model of false data is deployed, and its report passes on that it was verified.
    # All of it is read for that, the data once more than for its bytes: a deployment is rare.
    report = verify_object(context, checkpoint.id, readers=all_readers(), lineage=lineage)
    _check_rights(checkpoint, report.check("rights"))
    bad = next((one for one in report.checks if one.state is CheckState.FAIL), None)
    if bad is not None:
        raise VerificationError(
            "not-verified",
            f"{checkpoint.name} does not verify: {bad.id}: {bad.summary}",
            hint=f"nothing was written; see all checks: lyrikstore verify {checkpoint.id.hex}",
            details={"check": bad.id},
        )
    return report


def _check_rights(checkpoint: Manifest, rights: Check) -> None:
    missing = {REVOKED_LATER, ENDED_LATER, "base-not-permitted"} & recorded.reasons_of(rights)
    if rights.state is CheckState.FAIL or missing:
        renew = "import the renewed right, or " if missing == {ENDED_LATER} else ""
        raise PolicyError(
            "rights-missing",
            f"{checkpoint.name}: {rights.summary}",
            hint=f"see all checks: lyrikstore verify {checkpoint.id.hex}; {renew}train again on "
            "data that may be used, and deploy that model",
        )


def _check_still(context: StoreContext, checkpoint: Manifest, card: Manifest | None) -> None:
    # ATTACK A126: a right is revoked, or an approval withdrawn, while the folder is built; or a
    # newer card is approved, and the folder has the one before.
    repository, trust, at = context.repository, context.trust, context.clock()
    lineage = Lineage.read(repository, checkpoint.id)
    _check_rights(checkpoint, recorded.check_rights(repository, lineage, trust=trust, at=at))
    check_card_approved(repository, checkpoint, card, trust=trust, at=at)
