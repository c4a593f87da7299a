"""Comparison of a deployment with its inputs (spec §14.7.7).

Pure: used for the manifests beside a deployed folder, and for those in the store that made it.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.deployment.credentials import credentials_of, left_out, renewed_by
from lyrikstore.verify.deployment.layout import DECISION
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE

_SAID_OF_IT = ("task", "format")
"""Members of a deployment's body that repeat its checkpoint, besides ``decision``."""

_LIMIT = ("abstainBelow", "limitFrom")

README = "README.md"


class MadeFromFault(Struct, frozen=True):
    """A contradiction between a deployment and its inputs.

    Attributes:
        code: Stable code, for programs.
        text: Description, for people.
    """

    code: str
    text: str


def made_from_faults(
    deployment: Manifest,
    manifest_of: Callable[[Digest], Manifest | None],
    readme: Digest | None,
) -> Iterator[MadeFromFault]:
    """Yield the contradictions between a deployment and its inputs, in the order of §14.7.7.

    Args:
        deployment: Its manifest.
        manifest_of: Function that returns an input; None if it is missing, which the caller
            reports.
        readme: Digest of ``README.md`` in its tree; None without such a file, or without the tree.
    """
    checkpoint = _only(deployment, "checkpoint", manifest_of)
    if checkpoint is not None:
        yield from _of_checkpoint(deployment, checkpoint)
    run = _only(deployment, "run", manifest_of)
    known = [] if run is None else credentials_of(run, renewed_by(deployment))
    if run is not None and not left_out(deployment) <= set(known):
        yield MadeFromFault("disagrees", "it leaves out credentials that its run does not rest on")
    if ("cardStatus" in deployment.body) != bool(deployment.inputs_in("card")):
        text = "it states the status of a card that it does not have, or none of the one it has"
        yield MadeFromFault("disagrees", text)
    model = deployment.inputs_in("checkpoint")[0].id
    for item in deployment.inputs_in("evaluation"):
        evaluation = manifest_of(item.id)
        if evaluation is not None and _ids(evaluation, "checkpoint") != {model}:
            text = f"evaluation {evaluation.name} ({item.id.short}) is of another checkpoint"
            yield MadeFromFault("other-checkpoint", text)
    card = _only(deployment, "card", manifest_of)
    if card is not None:
        label = f"card {card.name} ({card.id.short})"
        if _ids(card, "checkpoint") != {model}:
            yield MadeFromFault("other-checkpoint", f"{label} is about another checkpoint")
        if readme is not None and readme not in {one.id for one in card.attachments}:
            yield MadeFromFault("other-card", f"{README} is no text of {label}")
    for item in deployment.inputs_in(DECISION):
        decision = manifest_of(item.id)
        if decision is None:
            continue
        label = f"{DECISION} {decision.name} ({item.id.short})"
        # ATTACK A172: the decision about another model, or about another use, lies beside it.
        if _ids(decision, "checkpoint") != {model}:
            yield MadeFromFault("other-checkpoint", f"{label} is about another checkpoint")
        elif decision.body["action"] != "deploy":
            yield MadeFromFault("disagrees", f"{label} is about another use")
    for item in deployment.inputs_in("approval"):
        approval = manifest_of(item.id)
        if approval is None:
            continue
        label = f"approval {approval.name} ({item.id.short})"
        if _ids(approval, "card") != _ids(deployment, "card"):
            yield MadeFromFault("other-card", f"{label} is of another card")
        elif approval.body["decision"] != "approve":
            yield MadeFromFault("withdrawn", f"{label} withdraws one")


def _of_checkpoint(deployment: Manifest, checkpoint: Manifest) -> Iterator[MadeFromFault]:
    label = f"checkpoint {checkpoint.name} ({checkpoint.id.short})"
    for role in ("run", "base"):
        if _ids(checkpoint, role) != _ids(deployment, role):
            yield MadeFromFault(f"other-{role}", f"{label} has another {role}")
    said, sealed = deployment.body, checkpoint.body
    wrong = [name for name in _SAID_OF_IT if said.get(name) != sealed.get(name)]
    if not _decides_as(said.get("decision"), sealed.get("decision")):
        wrong.append("decision")
    if said.get(UNLIKE, sealed.get(UNLIKE)) != sealed.get(UNLIKE):
        wrong.append(UNLIKE)
    most = sealed.get("text", {}).get("maxTokens")
    if most is not None and said["limits"].get("maxTokens") != most:
        wrong.append("limits")
    if wrong:
        yield MadeFromFault("disagrees", f"it and {label} disagree about {', '.join(wrong)}")


def other_limit(deployment: Manifest, checkpoint: Manifest | None) -> dict[str, str] | None:
    """Return the abstention limit that a deployment set itself, or None.

    Args:
        deployment: Its manifest.
        checkpoint: Manifest of its checkpoint; None if it is missing.

    Returns:
        ``served``, and ``sealed``, the limit of the checkpoint; None if both are the same.
    """
    decision = deployment.body.get("decision", {})
    if decision.get("limitFrom") != "deployment" or "abstainBelow" not in decision:
        return None  # without a limit it decides otherwise than its checkpoint
    sealed = {} if checkpoint is None else checkpoint.body.get("decision", {})
    own = {"sealed": sealed["abstainBelow"]} if "abstainBelow" in sealed else {}
    return {"served": decision["abstainBelow"], **own}


def _decides_as(served: Any, sealed: Any) -> bool:
    """Return whether a deployment decides as its checkpoint, except for an abstention limit it set.

    ATTACK A139: a folder serves a changed limit or threshold as if it were the checkpoint's.
    """
    if served and sealed and served.get("limitFrom") == "deployment" and "abstainBelow" in served:
        served, sealed = (
            {name: value for name, value in one.items() if name not in _LIMIT}
            for one in (served, sealed)
        )
    return bool(served == sealed)


def _only(
    deployment: Manifest, role: str, manifest_of: Callable[[Digest], Manifest | None]
) -> Manifest | None:
    found = deployment.inputs_in(role)
    return manifest_of(found[0].id) if found else None


def _ids(manifest: Manifest, role: str) -> set[Digest]:
    return {item.id for item in manifest.inputs_in(role)}
