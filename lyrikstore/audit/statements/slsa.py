"""SLSA provenance v1 of a checkpoint and its run (spec §23.2). No level is stated."""

from lyrikstore.audit.statements.statement import (
    BASE,
    ExportedObject,
    InTotoStatement,
    describe_manifest,
    describe_value,
    report_member,
    subjects_of,
)
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.history.manifests.manifest import Manifest

PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = f"{BASE}/slsa/train-1"

_READ = ("train", "validation", "test", "base", "candidate", "decision")
_INTERNAL = ("seed", "order", "task", "stage", "candidates", "folds", "refit", "tolerances")


def provenance_of(verified: ExportedObject) -> InTotoStatement:
    """Return the provenance of a checkpoint that a run made.

    Raises:
        InvalidInputError: (``wrong-object``) no run made it.
        LyrikstoreError: A manifest or a file cannot be read.
    """
    checkpoint = verified.manifest
    found = verified.inputs(checkpoint, "run")
    if not found:
        raise InvalidInputError(
            "wrong-object",
            f"{checkpoint.name} was not made by a run: it is {checkpoint.body['origin']}, and has "
            "no provenance of its own",
        )
    run = found[0][1]
    body = run.body
    internal: dict[str, JSON] = {name: body[name] for name in _INTERNAL if name in body}
    execution = body.get("execution")
    if execution is not None:  # its command may name local paths
        kept = ("by", "confinement", "cause")
        internal["execution"] = {name: execution[name] for name in kept if name in execution}
    return InTotoStatement(
        PREDICATE,
        subjects_of(verified, checkpoint),
        {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"purpose": body["purpose"], "config": body["config"]},
                "internalParameters": internal,
                "resolvedDependencies": _dependencies(verified, run),
            },
            "runDetails": {
                "builder": {"id": run.author, "version": {body["code"]["package"]: _version(run)}},
                "metadata": {
                    "invocationId": run.id.urn,
                    "startedOn": run.created,
                    "finishedOn": checkpoint.created,
                },
                "byproducts": [
                    describe_value("metrics", checkpoint.body.get("metrics", {})),
                    describe_manifest(run),
                ],
            },
            "lyrikstore_times": "claimed",
            "lyrikstore_report": report_member(verified.report),
        },
    )


def _version(run: Manifest) -> str:
    return str(run.body["code"]["version"])


def _dependencies(verified: ExportedObject, run: Manifest) -> list[JSON]:
    read = verified.inputs(run, *_READ)
    read += verified.inputs(verified.manifest, "filter")
    found: list[JSON] = [describe_manifest(one, role=link.role) for link, one in read]
    code = run.body["code"]
    digest = Digest.parse(code["digest"])
    found.append(
        {
            "name": f"{code['package']} {code['version']}",
            "uri": digest.urn,
            "digest": {"blake3": digest.hex},
            "annotations": {"role": "code", "sha256": "not recorded"},
        }
    )
    environment = describe_value("environment", run.body["environment"])
    found.append({**environment, "annotations": {"role": "environment"}})
    return found
