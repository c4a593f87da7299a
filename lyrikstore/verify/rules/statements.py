"""Whether a pack, a waiver or a decision is sound by itself, whatever rests on it (spec §21.10)."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct, ValidationError, convert

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import parse_canonical
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.rules.engine import RulesAnswer, RulesRequest
from lyrikstore.verify.rules.in_force import REQUEST, RULES, last_day, read_pack

MAX_REQUEST_BYTES: Final = 64 << 20
FORMAT: Final = 1
"""Version of the request's format."""


class RequestResource(Struct, frozen=True, forbid_unknown_fields=True):
    """A resource of a signed request.

    Attributes:
        kind: ``Dataset`` or ``Model``.
        name: Its name.
        facts: Its facts.
        evidence: Ids of what the facts follow from.
        waivers: Rule → id of the waiver in force.
    """

    kind: Literal["Dataset", "Model"]
    name: str
    facts: dict[str, Any]
    evidence: list[str]
    waivers: dict[str, str]


class SignedRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The request of a decision, as it was signed.

    Attributes:
        format: Version of the format.
        action: What is to be done.
        context: What the use declares.
        key: DID of the user.
        roles: Roles of the key.
        resources: The resources.
    """

    format: Literal[1]
    action: str
    context: dict[str, Any]
    key: str
    roles: list[str]
    resources: list[RequestResource]

    @property
    def about(self) -> tuple[object, ...]:
        """Everything but the facts, their evidence and the waivers."""
        named = [(one.kind, one.name) for one in self.resources]
        return (self.action, self.context, self.key, self.roles, named)

    @property
    def requests(self) -> tuple[RulesRequest, ...]:
        """What the engine decides, one for each resource."""
        return tuple(
            RulesRequest(
                action=self.action,
                kind=one.kind,
                name=one.name,
                facts=one.facts,
                context=self.context,
                key=self.key,
                roles=tuple(self.roles),
                waived=frozenset(one.waivers),
            )
            for one in self.resources
        )


def read_request(repository: Repository, decision: Manifest) -> SignedRequest:
    """Return the request of a decision.

    Raises:
        FormatError: (``schema``, ``bad-json``, ``not-canonical``) it is malformed.
        LyrikstoreError: It is lost or damaged.
    """
    attached = decision.attachments_in(REQUEST)[0]
    data = repository.blobs.read(attached.id, max_bytes=MAX_REQUEST_BYTES)
    try:
        return convert(parse_canonical(data, max_bytes=MAX_REQUEST_BYTES), SignedRequest)
    except ValidationError as error:
        raise FormatError("schema", f"the request of {decision.name}: {error}") from None


def find_waiver_error(repository: Repository, waiver: Manifest) -> str | None:
    """Return why a waiver can lift no rule of the pack that it names, or None.

    Raises:
        LyrikstoreError: The pack cannot be read.
    """
    pack = read_pack(repository, repository.manifest(waiver.inputs_in(RULES)[0].id))
    rule = next((one for one in pack.rules if one.id == waiver.body["rule"]), None)
    if rule is None:
        return f"the pack {pack.name} has no rule {waiver.body['rule']}"
    if last_day(waiver) is None:
        return f"no calendar has the day {waiver.body['until']}"
    return None if rule.waivable else f"the pack {pack.name} does not mark the rule waivable"


def find_decision_error(
    decision: Manifest, request: SignedRequest, answers: Sequence[RulesAnswer]
) -> str | None:
    """Return why a decision does not follow from its own request, or None.

    Args:
        decision: The decision.
        request: Its request.
        answers: The answers of its rules to the request.
    """
    body = decision.body
    lifted = [
        {"rule": rule, "resource": one.name, "waiver": one.waivers[rule]}
        for one, answer in zip(request.resources, answers, strict=True)
        for rule in answer.lifted
    ]
    answer = answer_of(answers)
    stated = (body["action"], body["answer"], body["resources"], body.get("lifted", []))
    if stated == (request.action, answer, len(request.resources), lifted):
        return None
    return f"it does not follow from its request, to which its rules answer {answer}"


def answer_of(answers: Sequence[RulesAnswer]) -> str:
    """Return the answer to a whole use: the worst of the answers to its resources."""
    words = {one.answer for one in answers}
    return next(
        word for word in ("deny", "permit-by-waiver", "permit") if word in words or word == "permit"
    )
