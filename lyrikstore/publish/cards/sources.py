"""Whether a card says what the objects it names do: made again, it is the same (spec §14.6)."""

from collections.abc import Mapping

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.quoting import listed, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.publish.cards.card import answers_of, card_body, card_name, profiles_of
from lyrikstore.publish.cards.document import FORMATS, MAX_CARD, CardForm, build_card
from lyrikstore.publish.cards.facts import gather, subject_id
from lyrikstore.publish.cards.profiles.profile import shipped_profiles
from lyrikstore.publish.cards.rendering.renderings import RENDERINGS, ROLES, render, version_of
from lyrikstore.publish.cards.v1.answers import MAX_BYTES, parse_responses
from lyrikstore.publish.cards.v1.render import PROFILE, render_card
from lyrikstore.verify.report import Check, failed, passed, unchecked


def check_sources(repository: Repository, card: Manifest) -> Check:
    """Return ``card.sources``: whether the objects that a card names give this very card.

    Args:
        repository: The store.
        card: A card manifest of it.

    Cost: makes the card and its renderings again.
    """
    profile = card.body["profile"]
    if profile not in (PROFILE, *FORMATS):
        return unchecked(
            "card.sources",
            "other-profile",
            f"it is written as {quote(profile)}, which this version does not know; it knows "
            f"{listed([PROFILE, *FORMATS])}",
        )
    try:
        if flaw := _flaw(repository, card):
            return failed("card.sources", "differs", flaw)
        made, counted = _made_again(repository, card)
        signed = {role: text_of(repository, card, role) for role in made}
    except LyrikstoreError as error:
        why = "retired" if error.kind == "retired" else "lost"
        return unchecked("card.sources", why, f"it cannot be made again: {quote(error.message)}")
    for role, data in made.items():
        if data != signed[role]:
            theirs = signed[role].decode("utf-8", "replace")
            found = difference(theirs, data.decode("utf-8", "replace"), "in it", "it rests on")
            summary = f"its {role} does not say what it rests on: {found}"
            return failed("card.sources", "differs", summary, role=role)
    if counted != card.body:
        # ATTACK: the body says that nothing is open, so that a draft is taken for complete.
        wrong = sorted(
            name for name in {*counted, *card.body} if counted.get(name) != card.body.get(name)
        )
        summary = f"its manifest says something else than the card of {listed(wrong)}"
        return failed("card.sources", "differs", summary)
    others = [one for one in card.attachments if one.role in ROLES and one.role not in made]
    if others:
        roles = sorted(one.role for one in others)
        summary = (
            f"its {listed(roles)} was rendered by a version that is not this one; the rest is "
            "checked"
        )
        return unchecked("card.sources", "other-renderer", summary, roles=[*roles])
    evidence = len(card.body["evidence"])
    return passed(
        "card.sources",
        f"made again from the {pluralize(evidence, 'object')} it names, it is the same byte for "
        "byte",
        evidence=evidence,
    )


def _flaw(repository: Repository, card: Manifest) -> str:
    """Return what no card that this program signs has; empty: nothing."""
    if card.body["profile"] not in FORMATS:
        return ""
    for role in ROLES:
        # ATTACK: of two pages, one is compared and the other handed out.
        if len(card.attachments_in(role)) > 1:
            return f"it has two attachments in role {role}"
    for role in card.body.get("renderings", {}):
        if not card.attachments_in(role):
            return f"it has no attachment in role {quote(role)}, though it says so"
    subject = repository.manifest(subject_id(card))
    # ATTACK: a name in which others may approve.
    if card.name != card_name(subject):
        return f"it is about {subject.name}, and not called after it"
    if set(card.inputs) != set(gather(repository, subject, card).inputs()):
        return "its inputs are not the objects that it tells of"
    shipped = {one.id: one.digest for one in shipped_profiles().values()}
    for profile in profiles_of(repository, card):
        # ATTACK: an easier profile under the name of a law's.
        if shipped.get(profile.id, profile.digest) != profile.digest:
            return f"its profile {profile.id} is not the one that is called so"
    return ""


def _made_again(
    repository: Repository, card: Manifest
) -> tuple[dict[str, bytes], Mapping[str, JSON]]:
    """Return what the objects that a card names give: role of the attachment → bytes; the body."""
    facts = gather(repository, repository.manifest(subject_id(card)), card)
    if card.body["profile"] in FORMATS:
        profiles, form = profiles_of(repository, card), CardForm.of(card.body)
        document = build_card(facts, answers_of(facts), profiles, form)
        stated = card.body.get("renderings", {})
        known = [role for role in RENDERINGS if stated.get(role, "") == version_of(role) != ""]
        body = {**card_body(document, profiles, known, form), "renderings": stated}
        return render(document.content, known), body
    answers = present_attachments(repository, card, "answers")
    responses = None
    if answers:
        responses = parse_responses(repository.blobs.read(answers[0].id, max_bytes=MAX_BYTES))
    return {"card": render_card(facts, responses).data}, card.body


def difference(one: str, other: str, called: str, otherwise: str) -> str:
    """Return where two texts differ first, in words.

    Args:
        one: A text, such as that of ``card.json``.
        other: What it should be.
        called: What the first is called.
        otherwise: What the second is called.
    """
    if one.startswith('{"') and (where := _statement(one, other)):
        return f"{where} {called}, not as {otherwise}"
    if one.splitlines() == other.splitlines():
        return "in its line ends alone, which some programs rewrite"
    lines, others = (*one.split("\n"), ""), (*other.split("\n"), "")
    at = next((n for n, (a, b) in enumerate(zip(lines, others, strict=False)) if a != b), 0)
    return f"line {at + 1} is {quote(lines[at])} {called}, {quote(others[at])} {otherwise}"


def _statement(one: str, other: str) -> str:
    """Return which statement of a ``card.json`` differs first; empty if none does."""
    try:
        ours, theirs = (
            {said["id"]: said for said in parse(text.encode())["statements"]}
            for text in (one, other)
        )
    except (LyrikstoreError, KeyError, TypeError):
        return ""
    for name in (*ours, *theirs):
        if ours.get(name) != theirs.get(name):
            return f"the statement {quote(name)} is"
    return ""


def text_of(repository: Repository, card: Manifest, role: str = "card") -> bytes:
    """Return what is attached to a card in a role that it has."""
    attached = present_attachments(repository, card, role)[0]
    return repository.blobs.read(attached.id, max_bytes=MAX_CARD)
