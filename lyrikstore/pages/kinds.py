"""The kinds of pages: how each is drawn, and how its facts are judged again beside a store."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, NotFoundError
from lyrikstore.context import StoreContext
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.pages import gather
from lyrikstore.publish.identity.key_letter import KeyLetter, letter_page
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.readers import Readers
from lyrikstore.web.pages.evaluation import evaluation_page
from lyrikstore.web.pages.monitor import monitor_page
from lyrikstore.web.pages.plan import plan_page
from lyrikstore.web.pages.profile import profile_page
from lyrikstore.web.pages.report import report_page
from lyrikstore.web.pages.run import run_page

Facts = Mapping[str, Any]


class Judged(Struct, frozen=True):
    """What a store says of the object of a page.

    Attributes:
        facts: The facts that a page about the same object has; only members that must be equal.
        object: The object that is verified with the page, or the store itself.
        since: What is different today, one sentence each.
    """

    facts: Facts
    object: Manifest | None
    since: tuple[str, ...] = ()


class PageKind(Struct, frozen=True):
    """A kind of page.

    Attributes:
        draw: The page of facts, as bytes; ``tool=`` is the name and version of the program.
        judge: What the store says of the object that the facts are about.
    """

    draw: Callable[..., bytes]
    judge: Callable[[StoreContext, Facts], Judged]


def verify_again(context: StoreContext, about: Manifest | None, readers: Readers) -> Report:
    """Return the report on an object, or on the whole store.

    Args:
        context: The store, as :meth:`StoreContext.afresh` returns it.
        about: The object; None: the store.
        readers: As for :func:`lyrikstore.verify.store.object.verify_object`.

    Raises:
        StorageError: The disk cannot be read.

    Cost: as :func:`verify_object` or :func:`verify_store`.
    """
    from lyrikstore.publish.cards.check import verify_logged_card
    from lyrikstore.verify.store.object import verify_object
    from lyrikstore.verify.store.store import verify_store

    if about is None:
        return verify_store(context, readers=readers)
    if about.kind == "card":
        return verify_logged_card(context, about, readers=readers)
    lineage = Lineage.read(context.repository, about.id)
    return verify_object(context, about.id, readers=readers, lineage=lineage)


def _named(context: StoreContext, facts: Facts, member: str = "id") -> Manifest:
    return context.repository.manifest(Digest.parse(facts[member]))


def _since(context: StoreContext, manifest: Manifest) -> Iterator[str]:
    repository = context.repository
    state = repository.refs.get(manifest.name)
    if state is None:
        yield f"no {manifest.kind} of that name has effect"
    elif state.id != manifest.id:
        yield f"there is a newer version of {manifest.name}: {state.id.short}"
    if manifest.id in retired_versions(repository):
        yield f"{manifest.name} was retired"


def _profile(context: StoreContext, facts: Facts) -> Judged:
    from lyrikstore.curate.profile import profile_version

    manifest = _named(context, facts)
    found = profile_version(context, str(manifest.id)).to_json()
    with_data = facts["withData"]
    again = gather.facts_of_profile(context, manifest, found, with_data=with_data)
    return Judged(again, manifest, tuple(_since(context, manifest)))


def _evaluation(context: StoreContext, facts: Facts) -> Judged:
    from lyrikstore.train.evaluation.report import report_facts

    manifest = _named(context, facts)
    found = report_facts(context.repository, manifest)
    with_data = facts["withData"]
    again = gather.facts_of_evaluation(context, manifest, found, with_data=with_data)
    return Judged(again, manifest, tuple(_since(context, manifest)))


def _monitor(context: StoreContext, facts: Facts) -> Judged:
    checkpoint = _named(context, facts)
    again = gather.facts_of_monitor(context, checkpoint)
    shown = [one["id"] for one in facts["statements"]]
    later = [one for one in again["statements"] if one["id"] not in shown]
    since = [*_since(context, checkpoint)]
    since += (f"{one['name']} of {one['created']} is not on the page" for one in
              ({"name": context.repository.manifest(Digest.parse(one["id"])).name,
                "created": one["created"]} for one in later))  # fmt: skip
    again["statements"] = [one for one in again["statements"] if one["id"] in shown]
    newest = _named(context, facts["statements"][-1])
    return Judged(again, newest, tuple(since))


def _run(context: StoreContext, facts: Facts) -> Judged:
    run = _named(context, facts)
    again, since = gather.facts_of_run(context, run), [*_since(context, run)]
    made = again["checkpoint"]
    if made is None:
        return Judged(again, run, tuple(since))
    checkpoint = _named(context, made)
    if facts["checkpoint"] is None:
        since.append(f"it gave {checkpoint.name} ({checkpoint.id.short})")
        again |= {"checkpoint": None, "history": None}
        return Judged(again, run, tuple(since))
    return Judged(again, checkpoint, (*since, *_since(context, checkpoint)))


_OF_THE_DATA = (*("store", "name", "base", "label", "trainRecords", "labelTotal", "data"), "config")
"""Members of a plan that do not depend on prices, on measured steps or on the machine."""

_OF_TODAY = (
    *("candidates", "together", "monthly", "prices", "warnings", "memory"),
    *("validationRecords", "tokensBasis", "plannedOn", "planErrors"),
)


def _tried(plan: Facts) -> list[Facts]:
    return [one for one in plan["candidates"] if one["reason"] is None]


def _plan(context: StoreContext, facts: Facts) -> Judged:
    from lyrikstore.train.config import TrainConfig
    from lyrikstore.train.plan.defaults import write_toml
    from lyrikstore.train.plan.plan import plan_training, remarks_of_proposal

    config = TrainConfig.parse(facts["config"].encode())
    versions = {
        role: [_named(context, {"id": one}) for one in ids] for role, ids in facts["data"].items()
    }
    data = replace(config.data, train=tuple(str(one.id) for one in versions["train"]))
    validation = [str(one.id) for one in versions["validation"]] or data.train
    data = replace(data, validation=validation[0])
    again = gather.facts_of_plan(context, plan_training(context, replace(config, data=data)))
    since = [line for some in versions.values() for one in some for line in _since(context, one)]
    # The config that a plan writes names only the candidates that it will try.
    shown = {**facts, "candidates": _tried(facts)}
    planned = {**again, "candidates": _tried(again)}
    # Nor does it repeat what the plan says of a missing base or a missing part.
    proposed = [one.summary for one in remarks_of_proposal(context.repository, config)]
    if facts["warnings"][: len(proposed)] == proposed:
        planned["warnings"] = [*proposed, *planned["warnings"]]
    differing = [name for name in _OF_TODAY if shown[name] != planned[name]]
    if differing:
        since.append(f"a plan of today, on this machine, has other {', '.join(differing)}")
    # ATTACK: ids of other versions than those of the names in the config.
    named = config.data
    refs = {"train": named.train, "validation": (named.validation,), "test": (named.test,)}
    again["data"] = {
        role: [
            str(one.id if one.name == (now := context.repository.resolve(ref)).name else now.id)
            for ref, one in zip(refs[role], some, strict=bool(some))
        ]
        for role, some in versions.items()
    }
    # ATTACK A215: a comment in the config, or a member that no plan has.
    again["config"] = write_toml(config)
    held = {name: facts[name] for name in again if name in facts}
    held |= {name: again[name] for name in _OF_THE_DATA}
    return Judged(held, versions["train"][0], tuple(since))


def _report(context: StoreContext, facts: Facts) -> Judged:
    Digest.parse(facts["trust"])
    subject = facts["report"]["subject"]
    if subject == str(context.id):
        return Judged(facts, None)
    try:
        return Judged(facts, _named(context, {"id": subject}))
    except FormatError:
        text = f"{subject} is not an object of this store: verify it again"
        raise NotFoundError("not-logged", text) from None


def _letter(context: StoreContext, facts: Facts) -> Judged:
    repository = context.repository
    history = repository.history(GENESIS_NAME)
    policies = [Policy.parse(one.body["policy"]) for one in history]
    current, did = policies[0], facts["did"]  # the newest
    shown = (facts["roles"], facts["logKeys"])
    since = []
    if any(one.key == did for one in current.retired):
        successor = current.successor(did)
        since.append("the key was revoked" if successor is None else
                     f"the key was replaced by {successor}")  # fmt: skip
    elif facts["store"] is not None and shown != _in_policy(current, did):
        since.append("its roles in the store, or the keys of the log, are others today")
    # ATTACK: a letter about a stranger's key, which names no store, or no role in it.
    said = [found for one in policies if (found := _in_policy(one, did))[0]]
    if not said:
        raise NotFoundError("not-logged", f"{did} never had a role in this store")
    # It was right once, if any policy said so.
    roles, logs = shown if shown in said else said[0]
    if facts["store"] is None:  # ATTACK A216: log keys beside a genuine key, of no store
        roles, logs = [], []
    held = {**facts, "roles": roles, "logKeys": logs}
    return Judged(held, history[0], tuple(since))


def _in_policy(policy: Policy, did: str) -> tuple[list[str], list[str]]:
    roles = [name for name, role in policy.roles.items() if did in role.keys]
    return roles, [str(one) for one in policy.log_keys]


def letter_of_key(facts: Facts) -> Facts:
    """Return the members of a letter that follow from its key.

    Raises:
        LyrikstoreError: The key is malformed.
    """
    from lyrikstore.canon.timestamps import now
    from lyrikstore.crypto.multikey import parse_did_key

    letter = KeyLetter.about(parse_did_key(facts["did"]), at=now())
    held = {"did": letter.did, "words": list(letter.words), "fingerprint": letter.fingerprint}
    return {**held, "date": date.fromisoformat(facts["date"]).isoformat()}


KINDS: Mapping[str, PageKind] = {
    "evaluation": PageKind(evaluation_page, _evaluation),
    "letter": PageKind(letter_page, _letter),
    "monitor": PageKind(monitor_page, _monitor),
    "plan": PageKind(plan_page, _plan),
    "profile": PageKind(profile_page, _profile),
    "report": PageKind(report_page, _report),
    "run": PageKind(run_page, _run),
}
"""Kind of page → how it is drawn and judged."""
