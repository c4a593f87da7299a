"""The request of a use to the rules, in canonical bytes (spec §21.8.1)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import as_json, encode
from lyrikstore.credentials.terms.model import Use
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.rules.engine import RulesRequest
from lyrikstore.verify.facts.datasets import DataUse, dataset_resources
from lyrikstore.verify.facts.models import model_resource
from lyrikstore.verify.facts.resource import Resource
from lyrikstore.verify.rules.in_force import RULES_PREFIX, Waiver
from lyrikstore.verify.rules.statements import FORMAT, RequestResource, SignedRequest


class RulesUse(Struct, frozen=True):
    """A use that rules decide.

    Attributes:
        action: ``train``, ``evaluate``, ``approve`` or ``deploy``.
        namespace: The namespace of what is made.
        context: What the use declares, as the schema gives it for the action.
        data: Ids of the datasets, and of a base, that are used and that rights are needed for.
        terms: The use as terms judge it; None without data.
        model: The model that is used: a base, or what is approved or deployed.
        touched: The namespaces of the datasets and models that it rests on: their rules decide
            as well.
    """

    action: str
    namespace: str
    context: Mapping[str, Any]
    data: tuple[Digest, ...] = ()
    terms: Use | None = None
    model: Manifest | None = None
    touched: frozenset[str] = frozenset()

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces whose rules decide it."""
        return self.touched | {self.namespace}

    @property
    def datasets(self) -> tuple[Digest, ...]:
        """Ids of the datasets that are used, each once."""
        base = None if self.model is None else self.model.id
        return tuple(dict.fromkeys(one for one in self.data if one != base))


class RulesQuestion(Struct, frozen=True):
    """The request of a use, as of a log index.

    Attributes:
        resources: The partitions and models with their facts.
        request: The request, as a decision has it.
        waivers: For each resource, rule → waiver in force.
        data: The canonical bytes.
        unread: Parts of the store that cannot be read, so that facts may be incomplete.
    """

    resources: tuple[Resource, ...]
    request: SignedRequest
    waivers: tuple[Mapping[str, Waiver], ...]
    data: bytes
    unread: tuple[str, ...]

    @property
    def requests(self) -> tuple[RulesRequest, ...]:
        """What the engine decides, one for each resource."""
        return self.request.requests


def namespace_of(name: str) -> str:
    """Return the namespace of a full name."""
    return Name.parse(name).namespace


def touched_by(repository: Repository, used: Iterable[Digest]) -> frozenset[str]:
    """Return the namespaces of the datasets and models that some of them rest on.

    A store without rules has none.

    Args:
        repository: The store.
        used: Ids of datasets and checkpoints.

    Raises:
        LyrikstoreError: Part of the lineage cannot be read.
    """
    if not any(name.startswith(RULES_PREFIX) for name in repository.refs):
        return frozenset()  # no namespace has rules, nor had any
    # ATTACK A174: data of a namespace with rules is used under the name of another one.
    lineage = Lineage.read(repository, *used)
    for one in lineage.failed.values():
        raise one
    return frozenset(
        namespace_of(one.name) for one in lineage.values() if one.kind in {"dataset", "checkpoint"}
    )


def ask(
    repository: Repository,
    use: RulesUse,
    waivers: Sequence[Waiver],
    *,
    index: int | None,
    user: str,
) -> RulesQuestion:
    """Return the request of a use, as of a log index.

    Args:
        repository: The store.
        use: The use.
        waivers: The waivers in force.
        index: Facts follow from the entries before it; None: from all entries.
        user: DID of the key that signs the use.

    Raises:
        LyrikstoreError: Part of the lineage cannot be followed, or cannot be read.

    Cost: as :func:`dataset_resources`.
    """
    at = len(repository.entries()) if index is None else index
    resources: list[Resource] = []
    if use.data and use.terms is not None:
        lineage = Lineage.read(repository, *use.data)
        data = DataUse(use.data, use.terms, user)
        resources += dataset_resources(repository, lineage, data, at)
    if use.model is not None:
        resources.append(model_resource(repository, use.model, at))
    policy = repository.policy_before(index)
    lifted = [
        {one.rule: one for one in waivers if one.about in resource.about} for resource in resources
    ]
    request = SignedRequest(
        format=FORMAT,
        action=use.action,
        context=dict(use.context),
        key=user,
        roles=sorted(name for name, role in policy.roles.items() if user in role.keys),
        resources=[
            RequestResource(
                kind=resource.kind,
                name=resource.name,
                facts=dict(resource.facts),
                evidence=[str(one) for one in resource.evidence],
                waivers={rule: str(one.manifest.id) for rule, one in some.items()},
            )
            for resource, some in zip(resources, lifted, strict=True)
        ],
    )
    return RulesQuestion(
        tuple(resources),
        request,
        tuple(lifted),
        encode(as_json(request)),
        tuple(dict.fromkeys(text for one in resources for text in one.unread)),
    )
