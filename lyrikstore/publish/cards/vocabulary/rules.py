"""Facts about rules: what decided the uses of a model's data, and what was waived (spec §14.4.3).

A card repeats what the decisions state; the check `rules` of `verify` decides again.
"""

from collections.abc import Iterator

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.gathering.decisions import NamedDecision
from lyrikstore.publish.cards.statement import Said, counted, listed, named
from lyrikstore.publish.cards.vocabulary.fact import Fact

_ANSWERS = {
    "permit": "permitted",
    "permit-by-waiver": "permitted by waiver",
}


def _rules(facts: CardFacts) -> Iterator[Said]:
    own = facts.run or facts.subject
    if not facts.form.has_decisions:
        yield Said("no rules were in force", (named(own),), "derived")
        return
    if not facts.decisions:
        text = "no rules: neither the run nor an evaluation names a decision"
        yield Said(text, (named(own),))
        return
    packs = {one.id: one for found in facts.decisions.values() for one in found.rules}
    for pack in packs.values():
        body = pack.body
        text = (
            f"{body['name']} {body['packVersion']}, {counted(body['ruleCount'], 'rule')}, as of "
            f"{body['asOf']}; who reviewed it: {body['reviewed']}"
        )
        value = {
            "id": str(pack.id),
            "asOf": body["asOf"],
            "name": body["name"],
            "reviewed": body["reviewed"],
            "version": body["packVersion"],
        }
        place = f"{pack.name} {pack.id.short}"
        yield Said(text, (named(pack),), "stated", place, value=value, by=pack.author)


def _decisions(facts: CardFacts) -> Iterator[Said]:
    if not facts.form.has_decisions or not facts.decisions:
        return
    users = (*([] if facts.run is None else [facts.run]), *facts.evaluations)
    for user in users:
        found = facts.decisions.get(user.id)
        if found is None:
            text = f"no rules: the {user.kind} names no decision"
            yield Said(text, (named(user),), subject=user.name, value="none")
        else:
            yield _decided(user, found)


def _decided(user: Manifest, found: NamedDecision) -> Said:
    body = found.manifest.body
    packs = listed(f"{one.body['name']} {one.body['packVersion']}" for one in found.rules)
    text = (
        f"to {body['action']}: {_ANSWERS[body['answer']]} by {packs}, for "
        f"{counted(body['resources'], 'partition or model', 'partitions and models')}"
    )
    if found.waivers:
        text += f"; {counted(len(found.waivers), 'waiver')} lifted a rule"
    evidence = (named(found.manifest), named(user), *map(named, found.rules))
    return Said(
        text, evidence, "decided", user.name, value=body["answer"], by=found.manifest.author
    )


def _waivers(facts: CardFacts) -> Iterator[Said]:
    if not facts.form.has_decisions:
        return
    waived: dict[Digest, tuple[Manifest, Manifest]] = {}
    for found in facts.decisions.values():
        waived.update((waiver.id, (waiver, about)) for waiver, about in found.waivers)
    for waiver, about in waived.values():
        body = waiver.body
        text = (
            f"the rule {body['rule']} is lifted for {about.name} ({about.id.short}) until "
            f"{body['until']}: {body['reason']}"
        )
        value = {"rule": body["rule"], "about": str(about.id), "until": body["until"]}
        yield Said(
            text, (named(waiver), named(about)), "stated",
            f"{body['rule']} {about.name} {waiver.id.short}",
            value=value, by=waiver.author, liable=body["liable"],
        )  # fmt: skip


FACTS = {
    "rights.rules": Fact("Rules", "the rules of the organisation that decided", _rules),
    "rights.decision": Fact(
        "Decision", "what the rules answered to training and to each evaluation", _decisions
    ),
    "rights.waiver": Fact(
        "Waiver", "which rule is lifted for what, until when, why, and who is liable", _waivers
    ),
}
