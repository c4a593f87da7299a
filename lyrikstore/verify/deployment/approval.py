"""Approvals of a card, by the files beside it (spec §14.6.1, §14.7.7).

One rule decides for a card with its evidence and for a deployed folder, without the store.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import (
    approvals_name,
    count_approvals,
    last_decisions,
    last_key,
)
from lyrikstore.history.policy.policy import APPROVAL
from lyrikstore.verify.decisions import decision_facts, decision_words, decisions_in
from lyrikstore.verify.delivery.alone import SignedAlone, signed_manifest
from lyrikstore.verify.report import (
    Check,
    CheckState,
    not_applicable,
    passed,
    stated,
    unchecked,
    warned,
)

DEPLOYED, CARD = "deployment.approval", "card.approval"


class ShownDecisions(Struct, frozen=True):
    """The decisions about a card among the available files.

    Attributes:
        sound: Log index → the decision there, by a key that the policy permits to sign it.
        unshown: Decisions without a proof that they are logged.
        refused: Decisions by a key that the policy does not permit, or that was suspect.
    """

    sound: dict[int, Manifest]
    unshown: list[Manifest]
    refused: list[Manifest]

    def judge(
        self,
        card: Manifest,
        made: Sequence[Manifest],
        signed: SignedAlone,
        trust: Trust,
        at: datetime,
    ) -> "tuple[str, int, dict[str, JSON]]":
        """Return the result of these decisions: a word, the distinct keys, and the detail.

        Args:
            card: The card.
            made: The card, its subject and its run, as far as they are available.
            signed: The evidence with the policies of the store.
            trust: The trust file of the verifier.
            at: The moment for which the result holds.

        Returns:
            ``approved``, ``self-approved``, ``withdrawn`` or ``not-approved``; and the members of
            the detail.
        """
        if signed.history is None:
            raise TypeError("without policies nobody can be approved by")
        policy = signed.history.current
        decisions = last_decisions(policy, (one for _, one in sorted(self.sound.items())))
        authors = {last_key(policy, one.author) for one in made}
        name = approvals_name(card.name)
        counted = count_approvals(policy, name, decisions.approving, authors)
        indices = {one.id: index for index, one in self.sound.items()}
        approving = counted.approving
        if counted.is_enough:
            word, who = "approved", counted.independent
        elif decisions.revocations and not approving:
            word, who = "withdrawn", ()
        else:
            alone = len(counted.independent) < len(approving)
            word, who = "self-approved" if alone else "not-approved", approving
        facts = decision_facts(decisions, counted, indices, trust, at)
        return word, counted.count, {"approvers": [one.author for one in who], **facts}


def shown_decisions(
    card: Manifest, found: Iterable[Manifest], signed: SignedAlone
) -> ShownDecisions:
    """Return the decisions about a card among manifests.

    Args:
        card: The card.
        found: Manifests whose proofs hold.
        signed: The evidence of their log indices, and of the policies of the store.
    """
    shown = ShownDecisions({}, [], [])
    for one in found:
        # ATTACK A149: an approval of another card, or of one in another store.
        if one.kind != APPROVAL or one.store != card.store or one.name != approvals_name(card.name):
            continue
        if one.inputs_in("card")[0].id != card.id:
            continue
        place, author = signed.judge_author(one)
        if author.state is CheckState.FAIL:
            shown.refused.append(one)
        elif author.state is not CheckState.PASS or place is None:
            shown.unshown.append(one)
        else:
            shown.sound[place.index] = one
    return shown


def check_deployed_approval(
    card: Manifest | None,
    made: Sequence[Manifest],
    approvals: Iterable[Manifest],
    signed: SignedAlone,
    *,
    trust: Trust,
    at: datetime,
) -> Check:
    """Return ``deployment.approval``: whether permitted keys approved the card.

    Args:
        card: The card among the inputs; None without a card.
        made: The card, the checkpoint and its run, as far as they are valid.
        approvals: The valid approvals among the inputs, and later decisions that the verifier has.
        signed: The results of the checks of the deployment's manifest.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
    """
    if card is None:
        return not_applicable(DEPLOYED, "no signed card is its README")
    detail: dict[str, JSON] = {"card": str(card.id)}
    if signed.history is None or signed.history.forked:
        summary = "who may approve in that store is not established"
        return unchecked(DEPLOYED, "no-policy", summary, **detail)
    shown = shown_decisions(card, approvals, signed)
    word, count, facts = shown.judge(card, made, signed, trust, at)
    detail |= facts
    decided = decision_words(facts)
    if word == "approved":
        keys = pluralize(count, "key")
        summary = f"its card {card.name} was approved by {keys} of those who may: {decided}"
        return passed(DEPLOYED, summary, **detail)
    said = {
        "withdrawn": "approval was withdrawn",
        "self-approved": "was approved by whoever made it alone",
        "not-approved": "was not approved by as many keys as it takes",
    }[word]
    summary = f"its card {card.name}: {said}{f': {decided}' if decided else ''}"
    return warned(DEPLOYED, word, summary, **detail)


class JudgedCard(Struct, frozen=True):
    """The decisions about a card in its evidence, and what comes of them.

    Attributes:
        shown: The decisions.
        word: As :meth:`ShownDecisions.judge` returns it.
        count: Number of distinct approving keys.
        facts: Members of the detail.
        made: Whether all manifests of the makers are there, so that nobody approves their own work
            unseen.
    """

    shown: ShownDecisions
    word: str
    count: int
    facts: dict[str, JSON]
    made: bool


def judge_card(
    card: Manifest, files: Iterable[bytes], signed: SignedAlone, *, trust: Trust, at: datetime
) -> JudgedCard | None:
    """Return what the evidence of a card says of its approval; None if no policy is established.

    Args:
        card: The card.
        files: The files beside the card.
        signed: The results of the checks of the card's manifest.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
    """
    if signed.history is None or signed.history.forked:
        return None
    by_id = {one.id: one for data in files if (one := signed_manifest(data)) is not None}
    shown = shown_decisions(card, by_id.values(), signed)
    subject = by_id.get((*card.inputs_in("checkpoint"), *card.inputs_in("subject"))[0].id)
    runs = () if subject is None else subject.inputs_in("run")
    made = [card, *(() if subject is None else (subject,))]
    made += [by_id[one.id] for one in runs if one.id in by_id]
    word, count, facts = shown.judge(card, made, signed, trust, at)
    complete = subject is not None and len(made) == 2 + len(runs)
    return JudgedCard(shown, word, count, facts, complete)


def check_card_approval(
    card: Manifest,
    files: Iterable[bytes],
    signed: SignedAlone,
    *,
    trust: Trust,
    at: datetime,
) -> Check:
    """Return ``card.approval`` of a card without its store, by the evidence beside it.

    Arguments are those of :func:`judge_card`.
    """
    judged = judge_card(card, files, signed, trust=trust, at=at)
    if judged is None:
        return unchecked(CARD, "no-policy", "who may approve in that store is not established")
    if judged.shown.unshown:
        # ATTACK A150: a withdrawal without its log proof must not count for less than with it.
        what = pluralize(len(judged.shown.unshown), "decision")
        return unchecked(CARD, "missing-file", f"nothing shows that {what} about it is logged")
    facts, word = judged.facts, judged.word
    decided = decision_words(facts)
    if not decided:
        if judged.shown.refused:
            summary = "it was approved by nobody who may: the policy lets none of these keys"
            return warned(CARD, "not-approved", summary, **facts)
        return unchecked(CARD, "missing-file", "nothing beside it says that anybody approved it")
    if word != "approved":
        return warned(CARD, word, f"{word}: {decided}", **facts)
    since = "whether any was withdrawn later is not known here"
    keys = pluralize(judged.count, "key")
    summary = f"approved by {keys} of those who may: {decided}; {since}"
    if not judged.made:
        # ATTACK A93: whoever made the model approves it as if somebody else had.
        whose = "that none of them made what it is about is their own word"
        return stated(CARD, f"{summary}; {whose}", **facts)
    return passed(CARD, f"{summary}; two keys need not be two people", **facts)


def compared_with_file(check: Check, shown: Sequence[str] | None) -> Check:
    """Return ``card.approval`` with the decisions that a page shows otherwise than is known.

    Args:
        check: The check, by all that is known.
        shown: Ids of the decisions in the page; None: what was verified is no page.
    """
    if shown is None or "decisions" not in check.detail:
        return check
    known = [str(one["approval"]) for one in decisions_in(check.detail)]
    missing: list[JSON] = [one for one in known if one not in shown]
    outdated: list[JSON] = [one for one in shown if one not in known]
    said = [check.summary]
    if missing:
        said.append(f"the file does not show {pluralize(len(missing), 'decision')}")
    if outdated:
        what = pluralize(len(outdated), "decision that counts", "decisions that count")
        said.append(f"the file shows {what} no more")
    if len(said) == 1:
        return check
    detail = {**check.detail, "notInFile": missing, "onlyInFile": outdated}
    if outdated and check.state is CheckState.PASS:  # others approve it than the page says
        return warned(check.id, "differs", "; ".join(said), **detail)
    return Check(check.id, check.state, ("; ".join(said), detail))
