"""Views of packs of rules, of decisions by them, and of waivers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lyrikstore.api import Manifest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.commands.show.view import Called, PageText, Rows

if TYPE_CHECKING:
    from lyrikstore.api import Store

_ADVICE = "that data or models are lawful to use: rules are what their author wrote"


def rules(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a pack of rules."""
    body = manifest.body
    namespace = manifest.name.split("/")[1]
    what = [
        ("binds", f"uses of {namespace}, while it is the current version of its name"),
        ("pack", f"{body['name']} {body['packVersion']}, sources read on {body['asOf']}"),
        ("reviewed", body["reviewed"]),
        ("holds", pluralize(body["ruleCount"], "rule")),
    ]
    return PageText(what, [], [_ADVICE])


def decision(manifest: Manifest, called: Called) -> PageText:
    """Return the view of a decision."""
    body = manifest.body
    what = [
        ("about", f"to {body['action']}"),
        ("answer", body["answer"]),
        ("decided", pluralize(body["resources"], "partition or model", "partitions and models")),
        ("engine", body["engine"]),
    ]
    what += [
        ("lifted", f"{one['rule']} for {one['resource']}, by {called(one['waiver'])}")
        for one in body.get("lifted", ())
    ]
    again = "that the facts were these: lyrikstore verify REF computes and decides them again"
    return PageText(what, [], [again, _ADVICE])


def waiver(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a waiver."""
    body = manifest.body
    what = [
        ("lifts", f"the rule {body['rule']}, for the one version that it is made from"),
        ("until", f"{body['until']}, by the dates of the log"),
        ("reason", body["reason"]),
        ("liable", body["liable"]),
    ]
    return PageText(what, [], ["that the person named as liable agreed to it"])


def rows_of_store(store: "Store", manifest: Manifest) -> Rows:
    """Return what only the store says: the rules of a pack, and whether a waiver is in force."""
    try:
        if manifest.kind == "rules":
            return list(_rules_of(store, manifest))
        if manifest.kind == "waiver":
            fault = store.rules.find_waiver_fault(manifest)
            return [("in force", "yes" if fault is None else f"no: {fault}")]
    except LyrikstoreError as error:
        return [("unread", error.message)]
    return []


def _rules_of(store: "Store", manifest: Manifest) -> Iterator[tuple[str, str]]:
    for one in store.rules.pack_of(manifest).rules:
        more = [f"source: {one.cite}"] if one.cite else []
        more += ["may be waived"] if one.waivable else []
        about = f"{one.effect}s: {one.about}"
        yield one.id, f"{about} ({'; '.join(more)})" if more else about
