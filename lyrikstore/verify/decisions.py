"""The decisions about a card, for reports and for people (spec §14.4.9).

Sans-IO: a store, a deployed folder and a card with its evidence show the same decisions.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import listed, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import CardDecisions, CountedApprovals

_SHOWN = 4
"""Most decisions in a summary; the detail has all."""


def decision_facts(
    decisions: CardDecisions,
    counted: CountedApprovals,
    indices: Mapping[Digest, int],
    trust: Trust,
    at: datetime,
) -> dict[str, JSON]:
    """Return the decisions about a card, and the rule by which approvals count.

    Args:
        decisions: The last decision of each key.
        counted: The decisions that count.
        indices: Manifest → its index in the log.
        trust: The keys that the reader trusts.
        at: The moment for which the result holds.

    Returns:
        Members of the detail of a check: ``decisions``, in log order, each with who decided what,
        when and in which words; and ``rule`` if a role may approve.
    """
    made = sorted((*decisions.approving, *decisions.revocations), key=lambda one: indices[one.id])
    counts = {one.id for one in counted.independent}
    facts: dict[str, JSON] = {
        "decisions": listed(
            [_facts(one, indices[one.id], one.id in counts, trust, at) for one in made]
        )
    }
    if counted.role:
        needed, keys = counted.needed, counted.possible
        facts["rule"] = {"role": counted.role, "threshold": needed, "keys": keys}
    return facts


def _facts(one: Manifest, index: int, counts: bool, trust: Trust, at: datetime) -> JSON:
    said: dict[str, JSON] = {
        "approval": str(one.id),
        "decision": one.body["decision"],
        "author": one.author,
        "created": one.created,
        "index": index,
        "self": one.body["self"],
        "counts": counts,
    }
    nickname = trust.nickname_for(one.author, store=one.store, at=at)
    if nickname is not None:
        said["nickname"] = nickname
    if "statement" in one.body:
        said["statement"] = one.body["statement"]
    return said


def decision_words(facts: Mapping[str, Any]) -> str:
    """Return :func:`decision_facts` as a sentence, or an empty text if there are no decisions."""
    lines = [decision_line(one) for one in decisions_in(facts)]
    more = len(lines) - _SHOWN
    decided = "; ".join(lines[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return f"{decided} (rule: {rule_words(facts)})" if decided else ""


def decisions_in(facts: Mapping[str, Any]) -> list[dict[str, JSON]]:
    """Return the decisions in :func:`decision_facts`, or an empty list without such facts."""
    return list(facts.get("decisions", ()))


def decision_line(one: Mapping[str, JSON]) -> str:
    """Return one decision as text: key, decision, date and remark.

    Args:
        one: A decision of :func:`decision_facts`.
    """
    who = quote(one["nickname"]) if "nickname" in one else f"{one['author']} (unknown to you)"
    done = "withdrew" if one["decision"] == "withdraw" else "approved"
    own = ", of their own work" if one["self"] else ""
    said = f": {quote(one['statement'], 300)}" if "statement" in one else ""
    return f"{who} {done}{own}, log entry {one['index']}, dated {one['created']}{said}"


def rule_words(facts: Mapping[str, Any]) -> str:
    """Return the rule by which approvals count, as text.

    Args:
        facts: The result of :func:`decision_facts`.
    """
    rule = facts.get("rule")
    if rule is None:
        return "no role may approve it"
    keys = pluralize(rule["keys"], "key")
    return f"the role {rule['role']}, {rule['threshold']} of {keys}"
