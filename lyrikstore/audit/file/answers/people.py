"""Answers about people: who signed and approved what, by which rule, and when (spec §22.6)."""

from collections.abc import Iterator

from lyrikstore.audit.file.answers.known import Known, listed, text_of
from lyrikstore.audit.file.answers.tables import AnswerRows, EvidenceRow, row
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import approving_roles
from lyrikstore.verify.store.statements.approvals import count_decisions, decisions_on


def signers(known: Known) -> AnswerRows:
    """Answer who signed each step."""
    steps = [
        row([known.at(one)], one.kind, known.called(one.id), known.who(one.author), one.created)
        for one in known.opened.effective
    ]
    return AnswerRows({"people": list(_people(known)), "steps": steps})


def _people(known: Known) -> Iterator[EvidenceRow]:
    policies = known.opened.table.policies
    if not policies:
        return
    last = policies[-1][1]
    retired = {one.key: one for one in last.retired}
    for key, (words, index) in known.people.items():
        first = dict(policies)[index]
        roles = listed(name for name, role in sorted(first.roles.items()) if key in role.keys)
        now = listed(name for name, role in sorted(last.roles.items()) if key in role.keys)
        log = [index]
        if key in retired:
            gone = next(at for at, policy in policies if key in {one.key for one in policy.retired})
            said = next(one for one in known.manifests("policy") if known.at(one) == gone)
            log.append(gone)
            since = retired[key].suspect_from
            now = "replaced" if since is None else f"in other hands since entry {since}"
            now = f"{now}: {said.message}" if said.message else now
        yield row(log, key, roles, words, now)


def approvals(known: Known) -> AnswerRows:
    """Answer who approved what, when, and in which words."""
    rows = []
    for one in known.manifests("approval"):
        card = one.inputs_in("card")[0].id
        counts = "yes" if one.id in _counting(known, known.get(card)) else "no"
        own = "yes" if one.body["self"] else "no"
        cells = (
            known.called(card),
            one.body["decision"],
            known.who(one.author),
            one.created,
            text_of(one.body.get("statement")),
        )
        rows.append(row([known.at(one)], *cells, own, counts))
    return AnswerRows({"approvals": rows})


def _counting(known: Known, card: Manifest | None) -> frozenset[object]:
    """Return the ids of the approvals of a card that count by the policy in force now."""
    if card is None:
        return frozenset()
    try:
        counted = count_decisions(known.opened, card, decisions_on(known.opened, card))
    except LyrikstoreError:
        return frozenset()
    return frozenset(one.id for one in counted.independent)


def rule(known: Known) -> AnswerRows:
    """Answer by which rule it was approved then."""
    rows = []
    for one in known.manifests("approval"):
        at = known.at(one)
        in_force = [(index, policy) for index, policy in known.opened.table.policies if index < at]
        if not in_force:
            continue
        since, policy = in_force[-1]
        names = {id(each): name for name, each in policy.roles.items()}
        for role in approving_roles(policy, one.name):
            keys = listed(known.who(key) for key in role.keys)
            cells = (known.called(one.id), names[id(role)], str(role.threshold), keys)
            rows.append(row([at, since], *cells))
    return AnswerRows({"rules": rows})


def card(known: Known) -> AnswerRows:
    """Answer whether the card is the one that was approved."""
    rows = []
    for one in known.manifests("card"):
        named = (*one.inputs_in("checkpoint"), *one.inputs_in("subject"))
        try:
            made = decisions_on(known.opened, one)
            counted = count_decisions(known.opened, one, made)
        except LyrikstoreError:
            continue
        uses = [
            each
            for each in known.manifests("deployment")
            if any(item.id == one.id for item in each.inputs_in("card"))
        ]
        newest = known.opened.refs[one.name].id == one.id
        cells = (
            known.called(one.id),
            known.called(named[0].id),
            "yes" if newest else "no",
            str(counted.count),
            str(counted.needed),
            "yes" if counted.is_enough else "no",
            listed(known.called(each.id) for each in uses),
        )
        log = (known.at(each) for each in (one, *counted.independent, *uses))
        rows.append(row(log, *cells))
    return AnswerRows({"cards": rows})


def dates(known: Known) -> AnswerRows:
    """Answer which dates are real: those that outsiders put on a log checkpoint."""
    return AnswerRows({"times": [_dated(known, one) for one in known.manifests("timestamp")]})


def _dated(known: Known, one: Manifest) -> EvidenceRow:
    body = one.body
    kind = "time stamp" if "response" in body else "cosignature"
    return row([known.at(one)], text_of(body["size"]), body["time"], body["by"], kind)
