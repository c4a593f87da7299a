"""Check ``card.sources``: a card is made again from its sources and compared (spec §14.6)."""

from collections.abc import Mapping, Sequence

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError, NotFoundError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.quoting import listed, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments, retired_versions
from lyrikstore.objects.chunk.stream import NOT_FETCHED
from lyrikstore.publish.cards.card import answers_of, card_body, card_name, profiles_of
from lyrikstore.publish.cards.document import MAX_CARD, build_card
from lyrikstore.publish.cards.facts import CardFacts, gather, subject_id
from lyrikstore.publish.cards.gathering.form import FORMATS, CardForm
from lyrikstore.publish.cards.profiles.profile import (
    Profile,
    is_as_shipped,
    is_of_later_version,
    shipped_profiles,
)
from lyrikstore.publish.cards.rendering.renderings import RENDERINGS, ROLES, render, version_of
from lyrikstore.verify.evaluation.tasks import find_rules
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import (
    Check,
    CheckState,
    failed,
    is_left_out,
    passed,
    stated,
    unchecked,
)

FIRST_PROFILE = "huggingface/2"
"""Profile of the cards of version 0.1.0, which consist of a text only."""

_CHECK = "card.sources"
_NOT_AGAIN = "its digest is signed, not drawn again here"


def check_cards(repository: Repository, cards: Sequence[Manifest]) -> Check:
    """Return ``card.sources`` of several cards, such as all of a store: see :func:`check_sources`.

    Cards whose sources a signed retention removed are noted; the store still verifies.

    Args:
        repository: The store.
        cards: Card manifests of it.

    Cost: makes each card and its renderings again; one read of every manifest of the log for each.
    """
    problems, undrawn, retired = Problems(_CHECK), list[str](), 0
    for card in cards:
        check = check_sources(repository, card)
        text = f"{card.name} ({card.id.short}): {check.summary}"
        reason = str(check.detail.get("reason", ""))
        if check.state is CheckState.FAIL:
            problems.add(problems.bad, reason, text)
        elif reason == "retired":
            problems.add(problems.warnings, reason, text)
            retired += 1
        elif is_left_out(check):
            problems.left_out.append(f"{card.name} ({card.id.short})")
        elif check.state is CheckState.UNCHECKED:
            problems.add(problems.lost, reason, text)
        elif check.state is CheckState.STATED:
            undrawn.append(text)
    count = len(cards) - retired
    made = f"{pluralize(count, 'card')} made again from what they rest on"
    if undrawn and not problems.count:
        summary = f"{made}; {'; '.join(undrawn[:3])}"
        return stated(_CHECK, summary, cards=count, undrawn=listed(undrawn))
    more = {"undrawn": listed(undrawn)} if undrawn else {}
    return problems.close(f"{made}, the same byte for byte", cards=count, **more)


def check_sources(repository: Repository, card: Manifest) -> Check:
    """Return ``card.sources``: whether a card made again from the objects it names is the same.

    Args:
        repository: The store.
        card: A card manifest of it.

    Returns:
        The check; ``stated`` if all compared bytes are the same, but a rendering is not drawn again
        here: the text of a card of version 0.1.0, and a rendering by another version.

    Cost: makes the card and its renderings again.
    """
    profile = card.body["profile"]
    # ATTACK: a current card names the profile of 0.1.0, so that nothing of it is compared.
    earlier = profile == FIRST_PROFILE and "profiles" not in card.body
    if not earlier and profile not in FORMATS:
        return unchecked(
            _CHECK,
            "other-profile",
            f"its format is {quote(profile)}, which this version does not know; known formats are "
            f"{listed([FIRST_PROFILE, *FORMATS])}",
        )
    try:
        # A false card that was retired does not keep a store invalid.
        present_attachments(repository, card, "card")
        if earlier:
            return _first(repository, card)
        facts = gather(repository, repository.manifest(subject_id(card)), card)
        profiles = profiles_of(repository, card)
        if flaw := _flaw(card, facts, profiles):
            return failed(_CHECK, "differs", flaw)
        rebuilt, body = _made_again(card, facts, profiles)
        signed = {role: text_of(repository, card, role) for role in rebuilt}
    except LyrikstoreError as error:
        why = "retired" if _is_retired(repository, card, error) else "lost"
        if error.kind == NOT_FETCHED:
            why = NOT_FETCHED
        return unchecked(_CHECK, why, f"it cannot be made again: {quote(error.message)}")
    for role, data in rebuilt.items():
        if data != signed[role]:
            text = signed[role].decode("utf-8", "replace")
            where = difference(text, data.decode("utf-8", "replace"), "in it", "in its sources")
            summary = f"its {role} differs from its sources: {where}"
            return _of_unknown_task(facts) or failed(_CHECK, "differs", summary, role=role)
    if body != card.body:
        # ATTACK: the body states that nothing is open, so that a draft looks complete.
        wrong = sorted(
            name for name in {*body, *card.body} if body.get(name) != card.body.get(name)
        )
        summary = f"its manifest differs from the card in {listed(wrong)}"
        return _of_unknown_task(facts) or failed(_CHECK, "differs", summary)
    roles = sorted(one.role for one in card.attachments if one.role in {*ROLES} - rebuilt.keys())
    if roles:
        versions = card.body.get("renderings", {})
        drawn = " and ".join(f"its {role} by {quote(versions[role])}" for role in roles)
        return stated(
            _CHECK, f"{drawn} was drawn; {_NOT_AGAIN}; the rest is the same", roles=[*roles]
        )
    evidence = len(card.body["evidence"])
    return passed(
        _CHECK,
        f"made again from the {pluralize(evidence, 'object')} it names, it is the same byte for "
        "byte",
        evidence=evidence,
    )


def _of_unknown_task(facts: CardFacts) -> Check | None:
    """Return an unchecked result if the task of the card's model is not installed, else None."""
    task = facts.subject.body.get("task") if facts.subject.kind == "checkpoint" else None
    if task is None or find_rules(task) is not None:
        return None
    text = f"it cannot be made again: its task {quote(task, 40)} is not installed here"
    return unchecked(_CHECK, "lost", text)


def _first(repository: Repository, card: Manifest) -> Check:
    """Return ``card.sources`` of a card of version 0.1.0, whose text cannot be drawn again."""
    # ATTACK: a false card is signed in the old format, which is not compared, or under another
    # name.
    before, seen = list(card.parents), set[Digest]()
    while before:
        one = repository.manifest(before.pop())
        if one.body.get("profile") in FORMATS:
            return failed(
                _CHECK, "differs", "it has the format of version 0.1.0, but replaces a newer one"
            )
        before += [parent for parent in one.parents if parent not in seen]
        seen.update(one.parents)
    subject = repository.manifest(subject_id(card))
    if card.name != card_name(subject):
        return failed(_CHECK, "differs", _wrong_name(subject))
    text_of(repository, card)
    return stated(_CHECK, f"its text was drawn by version 0.1.0; {_NOT_AGAIN}", roles=["card"])


def _wrong_name(subject: Manifest) -> str:
    return f"its name does not follow from that of its subject, {subject.name}"


def _flaw(card: Manifest, facts: CardFacts, profiles: Sequence[Profile]) -> str:
    """Return the first flaw that no card signed by this program has, or ""."""
    drawn = card.body.get("renderings", {})
    for role in ROLES:
        # ATTACK: of two pages, one is compared and the other handed out; or one has no renderer.
        if len(card.attachments_in(role)) > 1:
            return f"it has two attachments in role {role}"
        if role != "card" and card.attachments_in(role) and not drawn.get(role):
            return f"it does not name the renderer of its {role}"
    for role in drawn:
        if not card.attachments_in(role):
            return f"it names a renderer of {quote(role)}, but has no such attachment"
    # ATTACK: a name for which other keys may approve.
    if card.name != card_name(facts.subject):
        return _wrong_name(facts.subject)
    if set(card.inputs) != set(facts.inputs()):
        return "its inputs are not the objects that it rests on"
    for profile in profiles:
        # ATTACK A200: an easier profile under the name of a profile for a law.
        if (
            profile.name in shipped_profiles()
            and not is_as_shipped(profile)
            and not is_of_later_version(profile)
        ):
            return f"its profile {profile.id} is not the profile of that name in lyrikstore"
    return ""


def _is_retired(repository: Repository, card: Manifest, error: LyrikstoreError) -> bool:
    """Return whether a card cannot be made again because the log retired one of its sources."""
    if error.kind == "retired":
        return True
    if not isinstance(error, IncompleteError | NotFoundError):
        return False
    try:
        gone = retired_versions(repository)
    except LyrikstoreError:
        return False
    return not gone.isdisjoint({card.id, *(one.id for one in card.inputs)})


def _made_again(
    card: Manifest, facts: CardFacts, profiles: Sequence[Profile]
) -> tuple[dict[str, bytes], Mapping[str, JSON]]:
    """Return a card made again from its objects: role of the attachment → bytes, and the body."""
    form = CardForm.of(card.body)
    document = build_card(facts, answers_of(facts), profiles, form)
    drawn = card.body.get("renderings", {})
    known = [role for role in RENDERINGS if drawn.get(role, "") == version_of(role) != ""]
    body = {**card_body(document, profiles, known, form), "renderings": drawn}
    return render(document.content, known), body


def difference(one: str, other: str, called: str, otherwise: str) -> str:
    """Return the first difference of two texts, in words.

    Args:
        one: A text, such as that of ``card.json``.
        other: The expected text.
        called: Words for the place of the first text, such as ``in it``.
        otherwise: Words for the place of the expected text, such as ``in its sources``.
    """
    if one.startswith('{"') and (where := _statement(one, other)):
        return f"{where} differs"
    if one.splitlines() == other.splitlines():
        return "only in its line ends, which some programs rewrite"
    lines, others = (*one.split("\n"), ""), (*other.split("\n"), "")
    at = next((n for n, (a, b) in enumerate(zip(lines, others, strict=False)) if a != b), 0)
    return f"line {at + 1} is {quote(lines[at])} {called}, {quote(others[at])} {otherwise}"


def _statement(one: str, other: str) -> str:
    """Return the first statement of a ``card.json`` that differs, or ""."""
    try:
        ours, theirs = (
            {statement["id"]: statement for statement in parse(text.encode())["statements"]}
            for text in (one, other)
        )
    except (LyrikstoreError, KeyError, TypeError):
        return ""
    for name in (*ours, *theirs):
        if ours.get(name) != theirs.get(name):
            return f"the statement {quote(name)}"
    return ""


def text_of(repository: Repository, card: Manifest, role: str = "card") -> bytes:
    """Return the bytes of a card's attachment in a role that it has."""
    attached = present_attachments(repository, card, role)[0]
    return repository.blobs.read(attached.id, max_bytes=MAX_CARD)
