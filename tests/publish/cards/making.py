"""What tests of cards do to a chain: answer, evaluate again, let keys approve, judge."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.card_attestation import parse_card_statement
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.commit.policy_change import PolicyChange, change_policy
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Attachment, Manifest, sign_manifest
from lyrikstore.history.policy.policy import Policy, Role
from lyrikstore.publish.cards.approval import CardStatus, card_status
from lyrikstore.publish.cards.card import CardResult, draft_card, make_card
from lyrikstore.publish.cards.check import verify_card
from lyrikstore.publish.cards.document import CardDocument
from lyrikstore.publish.cards.profiles.profile import Profile
from lyrikstore.publish.issue.attest_card import attest_card
from lyrikstore.readers import all_readers
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.checks import PROCEDURES
from lyrikstore.verify.report import Report
from tests.contexts import context_of

LIABILITY = "liable as an employee for gross negligence, up to 10,000 EUR"

PICKS = Profile.parse(b"""
profile = "picks/1"
title = "A profile that asks one thing"
about = "checkpoint"
asOf = "2026-11-28"
reviewedBy = ""

[questions.personal-data]
asks = "Are there names in the data?"
choices = ["none", "some"]
shows = ["data.found", "data.licence"]

[questions.contact]
asks = "Whom does one ask?"

[[items]]
id = "1"
clause = "Clause 1"
asks = "personal data"
required = true
question = "personal-data"

[[items]]
id = "2"
clause = "Clause 2"
asks = "whom one asks"
question = "contact"

[[contradictions]]
question = "personal-data"
choice = "none"
fact = "data.licence"
says = ["Acme"]
because = "the licence names somebody"
""")
"""A firm's own, as small as it goes: a choice, a free question, a rule."""


def make(chain: Any, nickname: str = "checkpoint", **changes: Any) -> CardResult:
    """Return the card of a checkpoint, signed by the chain's owner unless told otherwise."""
    signer, clock = changes.pop("signer", chain.signer), changes.pop("clock", chain.clock)
    context = context_of(chain.repository, signer=signer, clock=clock)
    return make_card(context, chain.made[nickname], **changes)


def draft(
    chain: Any, nickname: str = "checkpoint", profiles: Sequence[Profile] = ()
) -> CardDocument:
    """Return what would be signed."""
    return draft_card(chain.repository, chain.made[nickname], profiles)


def answered(
    chain: Any,
    answers: Mapping[str, Any],
    by: str = "expert",
    *,
    nickname: str = "checkpoint",
    profiles: Sequence[Profile] = (),
) -> Digest:
    """Log what somebody answers to the draft of a card."""
    table = {name: {"text": one} if isinstance(one, str) else one for name, one in answers.items()}
    statement = {"liability": LIABILITY, "answers": table}
    return attested(chain, "answers", statement, by, nickname=nickname, profiles=profiles)


def attested(
    chain: Any,
    kind: str,
    statement: Mapping[str, Any],
    by: str,
    *,
    nickname: str = "checkpoint",
    profiles: Sequence[Profile] = (),
) -> Digest:
    """Log what somebody attests of a model."""
    shown = draft(chain, nickname, profiles).data
    made = attest_card(shown, kind, statement, signer=signer_for(by), clock=chain.clock)
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(made.data)
        transaction.commit()
    return made.id


def challenged(chain: Any, grounds: str, *statements: str, by: str = "validator") -> Digest:
    """Log that somebody disputes statements of a card."""
    said = {"liability": LIABILITY, "challenges": list(statements), "grounds": grounds}
    return attested(chain, "challenge", said, by)


def answer_all(chain: Any, by: str = "expert", nickname: str = "checkpoint") -> Digest:
    """Answer every question of the draft."""
    asked: Any = draft(chain, nickname).content["questions"]
    given = {
        one["id"]: {"text": f"The answer to {one['id']}.", **_choice(one["choices"])}
        for one in asked
    }
    return answered(chain, given, by, nickname=nickname)


def _choice(choices: Sequence[str]) -> dict[str, str]:
    return {"choice": choices[0]} if choices else {}


def evaluate_again(chain: Any, accuracy: str) -> Manifest:
    """Log another evaluation of the model under the same name, as ``evaluate`` does."""
    old = chain.made["evaluation"]
    model = {**old.body["model"], "accuracy": {"value": accuracy, "low": "0.40", "high": "0.98"}}
    made: Manifest = chain.log(
        "evaluation",
        kind="evaluation",
        name=old.name,
        body={**old.body, "model": model},
        inputs=old.inputs,
        parents=[old.id],
    )
    return made


def next_version(chain: Any) -> Manifest:
    """Log a later version of the model, as nickname ``next``."""
    old = chain.made["checkpoint"]
    made: Manifest = chain.log(
        "next",
        kind="checkpoint",
        name=old.name,
        body={**old.body, "step": 99},
        inputs=old.inputs,
        tree=old.tree,
        files=old.files,
        parents=[old.id],
    )
    return made


def statement_of(card: CardResult | CardDocument, name: str) -> Any:
    """Return the statement of a card that is called so, as ``card.json`` has it."""
    document = card.document if isinstance(card, CardResult) else card
    found: Any = document.content["statements"]
    return next(one for one in found if one["id"] == name)


def answer_of(card: CardResult | CardDocument, question: str, by: str = "expert") -> Any:
    """Return what somebody answered, as a card shows it."""
    return statement_of(card, f"answer.{question}:{signer_for(by).did}")


def policy(chain: Any, change: Callable[[Policy], Policy], by: Any = None) -> PolicyChange:
    """Change who may do what."""
    return change_policy(chain.repository, change, signer=by or chain.signer, clock=chain.clock)


def with_role(name: str, *people: str, threshold: int, kind: str = "approval") -> Any:
    """Return the change that gives people a role."""
    keys = tuple(signer_for(one).did for one in people)

    def change(before: Policy) -> Policy:
        role = Role(keys, threshold, ("*",), (kind,))
        return replace(before, roles={**before.roles, name: role})

    return change


def trusting(chain: Any, *people: str) -> Trust:
    """Return a trust file that believes the owner of a chain, and some people as experts."""
    owner = TrustedIssuer(did=chain.signer.did, nickname="owner")
    experts = (
        TrustedIssuer(did=signer_for(one).did, nickname=one, roles=("expert",)) for one in people
    )
    return Trust((owner, *experts))


def approving(chain: Any, who: str = "ada", *people: str) -> StoreContext:
    """Return the store as an approver has it who knows these people, or else the expert."""
    signer = chain.signer if who == "owner" else signer_for(who)
    trust = trusting(chain, *(people or ("expert",)))
    return context_of(chain.repository, signer=signer, trust=trust, clock=chain.clock)


def status_of(chain: Any, card: Manifest, *people: str) -> CardStatus:
    """Return the status of a card for somebody who knows these people, or else the expert."""
    trust = trusting(chain, *(people or ("expert",)))
    return card_status(chain.repository, card, trust=trust, at=chain.clock())


def judge(chain: Any, data: bytes, *people: str) -> Report:
    """Return the report on a card, by the owner of the chain, who knows some people as experts."""
    trust = trusting(chain, *people)
    context = context_of(chain.repository, trust=trust, clock=chain.clock)
    report = verify_card(context, data, readers=all_readers())
    assert tuple(check.id for check in report.checks) == PROCEDURES["card"].checks
    return report


def reason(report: Report, check: str) -> Any:
    """Return why a check does not hold."""
    return report.check(check).detail.get("reason")


def log_card(
    chain: Any,
    like: Manifest,
    files: Mapping[str, bytes],
    signer: Any,
    name: str = "",
    *,
    body: Mapping[str, Any] | None = None,
    more: Sequence[Attachment] = (),
) -> Manifest:
    """Log a card that lyrikstore would not have made.

    Args:
        chain: The chain.
        like: The honest one.
        files: Role → what is attached instead; other attachments stay.
        signer: Who signs it.
        name: Another name than that of the honest one.
        body: Members of the body that are others.
        more: Further attachments.
    """
    kept = [one for one in like.attachments if one.role not in files]
    attachments = [*(Attachment(r, Digest.of(d), len(d)) for r, d in files.items()), *kept, *more]
    state = chain.repository.refs.get(name or like.name)
    made = sign_manifest(
        kind="card",
        store=chain.repository.store_id,
        name=name or like.name,
        body={**like.body, **(body or {})},
        signer=signer,
        created=chain.clock(),
        parents=[] if state is None else [state.id],
        inputs=like.inputs,
        attachments=attachments,
    )
    with open_transaction(chain.repository) as transaction:
        for data in files.values():
            transaction.writer.put_bytes(data)
        transaction.log_manifest(made)
        transaction.commit()
    return made


def toml(kind: str, text: str) -> dict[str, Any]:
    """Return what a file attests."""
    return parse_card_statement(text.encode(), kind)
