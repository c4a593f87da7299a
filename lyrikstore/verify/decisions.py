"""What was decided about a card, as reports and people read it (spec §14.4.9).

Sans-IO: whoever has the store, a deployed folder or a card with its evidence shows the same.
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
"""CardDecisions that a summary has; the detail has all."""


def decision_facts(
    decisions: CardDecisions,
    counted: CountedApprovals,
    indices: Mapping[Digest, int],
    trust: Trust,
    at: datetime,
) -> dict[str, JSON]:
    """Return who decided what about a card, when, in which words, and by which rule.

    Args:
        decisions: Of each key the last.
        counted: Which of them count.
        indices: Manifest → its place in the log.
        trust: Whom the reader believes.
        at: The moment to judge for.

    Returns:
        Members of the detail of a check: ``decisions``, in log order, and ``rule`` where a role
        may approve.
    """
    made = sorted((*decisions.approving, *decisions.withdrawn), key=lambda one: indices[one.id])
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
    """Return :func:`decision_facts` as a sentence; empty: nobody decided anything."""
    lines = [decision_line(one) for one in decisions_in(facts)]
    more = len(lines) - _SHOWN
    told = "; ".join(lines[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return f"{told} (rule: {rule_words(facts)})" if told else ""


def decisions_in(facts: Mapping[str, Any]) -> list[dict[str, JSON]]:
    """Return the decisions among :func:`decision_facts`; none where there are no such facts."""
    return list(facts.get("decisions", ()))


def decision_line(one: Mapping[str, JSON]) -> str:
    """Return one decision in words: who, what, when, with which words.

    Args:
        one: As :func:`decision_facts` has it.
    """
    who = quote(one["nickname"]) if "nickname" in one else f"{one['author']} (unknown to you)"
    done = "withdrew" if one["decision"] == "withdraw" else "approved"
    own = ", of their own work" if one["self"] else ""
    said = f": {quote(one['statement'], 300)}" if "statement" in one else ""
    return f"{who} {done}{own}, log entry {one['index']}, dated {one['created']}{said}"


def rule_words(facts: Mapping[str, Any]) -> str:
    """Return by which rule approvals count, in words.

    Args:
        facts: As :func:`decision_facts` gives them.
    """
    rule = facts.get("rule")
    if rule is None:
        return "no role may approve it"
    keys = pluralize(rule["keys"], "key")
    return f"the role {rule['role']}, {rule['threshold']} of {keys}"
