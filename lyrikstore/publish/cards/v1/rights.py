"""The rights that a run or an evaluation recorded, in a model card (spec §14.4.1)."""

from collections.abc import Iterator

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.v1.writer import CardWriter
from lyrikstore.publish.markdown import code, escape


def right_lines(
    user: Manifest, purpose: str, writer: CardWriter, facts: CardFacts
) -> Iterator[str]:
    """Yield a line for each right that ``user``, a run or evaluation, relies on.

    Args:
        user: Its manifest.
        purpose: What the data is used for, as the line says it where no right is recorded.
        writer: Counts the statements.
        facts: What took which rights back, and whose terms prohibit what they permit.
    """
    own = (user.id, f"{user.kind} {user.name}")
    rights = user.body.get("rights")
    if not rights:
        reason = f"the {user.kind} relies on no credential"
        if rights is None:
            reason = f"the {user.kind} records none"
        yield writer.lack(f"the right to {purpose} on this data", reason, own)
        return
    for right in rights:
        evidence = [
            (Digest.parse(right["dataset"]), "dataset that a right is about"),
            (Digest.parse(right["credential"]), f"credential that the {user.kind} relies on"),
        ]
        if "grant" in right:
            evidence.append((Digest.parse(right["grant"]), f"grant that the {user.kind} relies on"))
        parts = ", ".join(escape(name) for name in right.get("partitions", ()))
        yield writer.say(
            f"right to use {code(right['dataset'])}{f' (partitions {parts})' if parts else ''}: "
            f"{', '.join(escape(word) for word in right['permits'])}, by {code(right['issuer'])}, "
            f"to {code(right.get('validUntil', 'no end'))}",
            own,
            *evidence,
        )
        for name in ("grant", "credential"):
            taken = facts.withdrawn.get(Digest.parse(right[name])) if name in right else None
            if taken is not None:
                yield writer.say(
                    f"**withdrawn**: the {name} that this right to use {code(right['dataset'])} "
                    f"rests on is {taken.word}, by log entry {taken.index}",
                    (Digest.parse(right[name]), f"{name} that the {user.kind} relies on"),
                    (taken.list, "status list that takes it back"),
                )
    for shared in facts.shared.get(user.id, ()):
        files = pluralize(shared.files, "file is", "files are")
        yield writer.say(
            f"**the same bytes**: of {code(shared.dataset.name)}, {files} also in "
            f"{code(shared.name)}, whose terms, by {code(shared.issuer)}, prohibit "
            f"{', '.join(escape(word) for word in shared.words)}",
            (shared.dataset.id, "dataset that a right is about"),
            (shared.credential, f"credential about {shared.name}"),
        )
