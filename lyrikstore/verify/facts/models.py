"""Facts about a model: how it was evaluated, and whether its card is approved (spec §21.7.2)."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from lyrikstore.credentials.terms.claim import licence_ids
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import (
    approvals_name,
    count_approvals,
    last_decisions,
    last_key,
)
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.evaluation.words import verdict_of
from lyrikstore.verify.facts.resource import Resource

_NOT_MEASURED = -1


def model_resource(repository: Repository, model: Manifest, index: int) -> Resource:
    """Return a model with its facts.

    Args:
        repository: The store.
        model: A checkpoint.
        index: Facts follow from the entries before this log index.

    Raises:
        LyrikstoreError: A manifest, or the policy, cannot be read.

    Cost: reads the evaluations and cards of the store, once.
    """
    evaluation = _last(
        one
        for one in _before(repository, "evaluations", index)
        if one.manifest.inputs_in("checkpoint")[0].id == model.id
        and "purpose" not in one.manifest.body
        and "answers" not in one.manifest.body
    )
    card = _last(
        one
        for one in _before(repository, "cards", index)
        if any(named.id == model.id for named in one.manifest.inputs_in("checkpoint"))
    )
    overlap, better = _NOT_MEASURED, "not-measured"
    if evaluation is not None:
        body = evaluation.manifest.body
        overlap = int(body.get("overlap", {}).get("exact", _NOT_MEASURED))
        if verdict := verdict_of(body):
            better = {"better": "yes", "worse": "no"}.get(verdict, "not-shown")
    status, approving = _status(repository, model, card, evaluation, index)
    package = model.body.get("package", {})
    expression = package.get("licence") if isinstance(package, dict) else None
    facts: dict[str, Any] = {
        "licences": sorted(licence_ids(expression)) or ["unknown"],
        "evaluated": "no" if evaluation is None else "yes",
        "overlap": overlap,
        "betterThanBaseline": better,
        "card": status,
        "reviews": len(approving),
    }
    known = [one.manifest for one in (evaluation, card) if one is not None]
    evidence = {one.id for one in (model, *known, *approving.values())}
    return Resource(
        "Model",
        f"{model.name} {model.id.hex[:16]}",
        facts,
        tuple(sorted(evidence)),
        frozenset({model.id}),
    )


class _Logged(Struct, frozen=True):
    """A manifest that had effect, with its log index, and whether it is the newest of its name."""

    manifest: Manifest
    index: int
    newest: bool


def _before(repository: Repository, prefix: str, index: int) -> Iterator[_Logged]:
    """Yield the manifests with effect before an index under names of one prefix."""
    for name, current in repository.refs.items():
        state = current if name.startswith(f"{prefix}/") else None
        newest = True
        while state is not None:
            if state.index < index:
                yield _Logged(repository.manifest(state.id), state.index, newest)
                newest = False
            state = state.before


def _last(found: Iterator[_Logged]) -> _Logged | None:
    return max(found, key=lambda one: one.index, default=None)


def _status(
    repository: Repository,
    model: Manifest,
    card: _Logged | None,
    evaluation: _Logged | None,
    index: int,
) -> tuple[str, dict[str, Manifest]]:
    """Return the state of a card, and its independent approvals by key."""
    if card is None:
        return "none", {}
    policy, name = repository.policy_before(index), approvals_name(card.manifest.name)
    made = [model, card.manifest, *(repository.manifest(i.id) for i in model.inputs_in("run"))]
    authors = {last_key(policy, one.author) for one in made}
    about = sorted(
        (
            one
            for one in _before(repository, "approvals", index)
            if one.manifest.name == name
            and one.manifest.inputs_in("card")[0].id == card.manifest.id
        ),
        key=lambda one: one.index,
    )
    decisions = last_decisions(policy, (one.manifest for one in about))
    counted = count_approvals(policy, name, decisions.approving, authors)
    approving = {last_key(policy, one.author): one for one in counted.independent}
    # What was logged since the card was made is not in it.
    stale = not card.newest or (evaluation is not None and evaluation.index > card.index)
    if stale:
        return "stale", approving
    return "approved" if counted.is_enough else "draft", approving
