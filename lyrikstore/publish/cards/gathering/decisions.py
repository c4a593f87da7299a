"""Decisions of rules that the run and the evaluations of a model name (spec §14.4.1)."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.rules.in_force import DECISION, RULES, WAIVER


class NamedDecision(Struct, frozen=True):
    """The decision that permitted a run or an evaluation.

    Attributes:
        manifest: The manifest of the decision.
        rules: The manifests of the rules that decided.
        waivers: Each waiver that lifted a rule, with the dataset or checkpoint that it is about.
    """

    manifest: Manifest
    rules: tuple[Manifest, ...]
    waivers: tuple[tuple[Manifest, Manifest], ...]


def decisions_of(
    repository: Repository, users: Iterable[Manifest]
) -> Mapping[Digest, NamedDecision]:
    """Return run or evaluation → the decision that it names; those without one are left out.

    Args:
        repository: The store.
        users: The run and the evaluations of a model.

    Raises:
        NotFoundError, IncompleteError, VerificationError: A manifest is not in the store, lost or
            damaged.
    """
    found = {}
    for user in users:
        for named in user.inputs_in(DECISION):
            decision = repository.manifest(named.id)
            waivers = [repository.manifest(one.id) for one in decision.inputs_in(WAIVER)]
            found[user.id] = NamedDecision(
                decision,
                tuple(repository.manifest(one.id) for one in decision.inputs_in(RULES)),
                tuple((one, _about(repository, one)) for one in waivers),
            )
    return found


def _about(repository: Repository, waiver: Manifest) -> Manifest:
    """Return the dataset or checkpoint of a waiver."""
    return next(repository.manifest(one.id) for one in waiver.inputs if one.kind != RULES)
