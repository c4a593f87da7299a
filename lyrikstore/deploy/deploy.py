"""Deployment: a trained checkpoint as a folder that a serving program loads (spec §14.7).

The folder is built beside its place, signed and logged, and gets its name when it is whole, and,
where that was asked for, when the program that loads it gave the sealed model's answers.
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
from lyrikstore.verify.store.object import verify_object
from lyrikstore.version import __version__

if TYPE_CHECKING:
    from lyrikstore.objects.backends.open import RemotePlace

CHECK_RECORDS = 20
"""Records of the test part that a folder is asked where it is compared."""

_EXPORTED = "out/export"


class Deployment(Struct, frozen=True):
    """A folder that was deployed.

    Attributes:
        checkpoint: Manifest of the checkpoint.
        manifest: That of the deployment; None: the folder is unsigned.
        body: What the manifest says, or would say, but for the key of ``model.sig``.
        folder: Where it is.
        card: Manifest id of the signed card that is its README; None: a draft is.
        card_status: What that card is, by the log; None: there is none.
        withheld: Datasets whose terms do not permit to hand on a model of theirs → whether they
            prohibit it; else they do not say.
        rights: The check of the rights that it rests on.
        check: How its answers compare with the sealed model's; None: nobody asked now.
        files: Names of its files.
        bytes: Their bytes.
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
    """Write a folder that a serving program loads, and that answers as the checkpoint does.

    Its files are stored, and its manifest signed and logged, before it gets its name; in a clone
    that is pushed. Whatever is interrupted leaves nothing logged, or a deployment that
    :func:`lyrikstore.deploy.rebuild.deploy_again` writes.

    Args:
        context: The store, opened to append where somebody signs.
        checkpoint_ref: A checkpoint that a run made.
        target_name: One of :data:`lyrikstore.train.worker.targets.registry.TARGETS`.
        destination: A folder that does not exist or is empty; its parent exists.
        name: What the deployment is called; empty: after its checkpoint and target.
        sign: Whether it is signed and logged; else nothing is written to the store, and the folder
            says that it is unsigned.
        remote: Where a clone pushes what was signed.
        probe: Texts to ask both models, as :func:`lyrikstore.train.serving.probe.read_probe` takes
            them; None: texts made of the vocabulary.
        check: Load what was written with the target's own program, and compare its answers.
        check_records: To how many records of the locked test part, besides; nothing of them is
            written. Without a test part, or with 0, to none.
        with_values: Put in credentials that name labels of the data, suffixes of its files or what
            selects a part of it, too; else these are left out, and named.
        abstain_below: The confidence below which it is to answer nothing; None: as the checkpoint
            says.

    Raises:
        InvalidInputError: The model, its target, the probe, the limit or the name cannot be taken:
            as :func:`resolve_trained`, :func:`target_for`, :func:`read_probe`,
            :func:`served_decision` and :func:`check_may_log`.
        ConflictError: As :func:`check_place` and :func:`check_pushed`; (``ids-alike``) ids of two
            things that it rests on begin alike.
        PolicyError: (``rights-missing``) a right that it rests on does not hold, was revoked or
            has ended, or the test part may not be used to evaluate; (``not-approved``) the store's
            policy wants its card approved, and it is not; (``unauthorised``) the policy does not
            let the signer say this.
        VerificationError: (``not-verified``) it, or what it was made from, does not verify;
            (``answers-differ``) what was written gives other answers; nothing is left of it.
        IncompleteError, NotFoundError, StorageError, RunFailedError: As for a prediction.
        LyrikstoreError: As a commit and a push; where the deployment is logged by then, the
            error says so.

    Cost: reads and hashes all that the checkpoint was made from; then seconds, with ``onnx`` about
        half a minute.
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
    if signing is not None:
        name = signing.name_for(checkpoint, target.name)
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
        told = None if found is None else model.told_of(found)
        beside = {**notice.licences, "NOTICE": notice.text.encode()}
        signed = signing is not None
        built.write(texts_of(readme, beside, model, check=told, signed=signed))
        files = built.list_files()
        built.check()
        said = _body(checkpoint, target, model, decision) | {
            "probe": {"count": asked, "made": texts is None},
            "withData": sorted(shown.union(readme.with_data)),
            "rights": rights,
        }
        if told is not None:
            said["check"] = told
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
    """Return what a deployment says of the rights that it rests on, as found before.

    Args:
        report: On its checkpoint.
    """
    check = report.check("rights")
    kept = ("reason", "until", "deleteOnExpiry", "renewedBy")
    found = {name: check.detail[name] for name in kept if name in check.detail}
    return {"state": str(check.state), **found}


def _test_part(
    context: StoreContext, run: Manifest, evaluations: Sequence[Manifest], user: str | None
) -> Manifest | None:
    """Return the locked test part of a run, which may be used to evaluate; None: it has none.

    It is the one that the run named before training, else the one that it was evaluated on last.
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
        no_record = "--check-records 0 compares without its records"
        error.hint = f"{error.hint}; {no_record}" if error.hint else no_record
        raise
    return test


def served_decision(checkpoint: Manifest, abstain_below: float | None) -> Mapping[str, Any]:
    """Return how scores become answers where a checkpoint is served; empty: it has no rule.

    Raises:
        InvalidInputError: (``bad-confidence``) the limit is none; the checkpoint generates text, or
            is not the final one of its run, which alone says how sure it has to be.
    """
    decision: Mapping[str, Any] = checkpoint.body.get("decision", {})
    if abstain_below is None:
        return decision
    check_limit(checkpoint, abstain_below)
    if not decision:
        raise InvalidInputError(
            "bad-confidence",
            f"{checkpoint.name} says of no confidence how often it is right",
            hint="deploy the final checkpoint of its run, or leave --abstain-below out",
        )
    return with_limit(decision, abstain_below, DEPLOYMENT)


def _body(
    checkpoint: Manifest, target: Target, model: ServedModel, decision: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the manifest of a deployment says of the model and what serves it."""
    sealed = checkpoint.body
    return {
        "target": target.name,
        "loader": target.loader,
        **{name: sealed[name] for name in ("task", "format") if name in sealed},
        **({"decision": dict(decision)} if decision else {}),
        **({UNLIKE: sealed[UNLIKE]} if UNLIKE in sealed and target.tells_unlike else {}),
        "quantization": target.quantization,
        "limits": dict(model.limits),
        "software": f"lyrikstore {__version__}",
    }


def in_place(result: Deployment, built: FolderBuild) -> Deployment:
    """Give a folder that was built its name; return the deployment with what is in it.

    Raises:
        RunFailedError: (``bad-output``) it has other files than were written to it.
    """
    built.check()
    put_in_place(built.folder, result.folder)
    return replace(result, files=tuple(sorted(built.sizes)), bytes=sum(built.sizes.values()))


def verified(context: StoreContext, checkpoint: Manifest, lineage: Lineage | None = None) -> Report:
    """Return the report on a checkpoint that may be deployed.

    Args:
        context: The store.
        checkpoint: The checkpoint.
        lineage: As for :func:`verify_object`.

    Raises:
        PolicyError: (``rights-missing``) a right that it rests on does not hold, was revoked or
            has ended; or a model that it was trained on from learned from what did not permit the
            use.
        VerificationError: (``not-verified``) it, or what it was made from, does not verify.
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
            hint=f"lyrikstore verify {checkpoint.id.hex} says more; nothing was written",
            details={"check": bad.id},
        )
    return report


def _check_rights(checkpoint: Manifest, rights: Check) -> None:
    missing = {REVOKED_LATER, ENDED_LATER, "base-not-permitted"} & recorded.reasons_of(rights)
    if rights.state is CheckState.FAIL or missing:
        renew = "take in what renews it, or " if missing == {ENDED_LATER} else ""
        raise PolicyError(
            "rights-missing",
            f"{checkpoint.name}: {rights.summary}",
            hint=f"lyrikstore verify {checkpoint.id.hex} says more; {renew}train again on what "
            "may be used, and deploy that",
        )


def _check_still(context: StoreContext, checkpoint: Manifest, card: Manifest | None) -> None:
    # ATTACK A126: a right is revoked, or an approval withdrawn, while the folder is built; or a
    # newer card is approved, and the folder has the one before.
    repository, trust, at = context.repository, context.trust, context.clock()
    lineage = Lineage.read(repository, checkpoint.id)
    _check_rights(checkpoint, recorded.check_rights(repository, lineage, trust=trust, at=at))
    check_card_approved(repository, checkpoint, card, trust=trust, at=at)
