"""The view of each kind of manifest."""

from collections.abc import Mapping

from lyrikstore.api import Manifest
from lyrikstore_cli.commands.show import data, models, reviews, rules
from lyrikstore_cli.commands.show.view import Called, PageText, Rows, View, member_rows, value_words


def genesis(manifest: Manifest, called: Called) -> PageText:
    """Return the view of a genesis manifest."""
    page = policy(manifest, called)
    return PageText([("log", manifest.body["origin"]), *page.what], [], page.unproven)


def policy(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a policy: who may sign what."""
    stated = manifest.body["policy"]
    what: Rows = [("version", str(stated["version"]))]
    for name, role in stated["roles"].items():
        kinds, names = ", ".join(role["kinds"]), ", ".join(role["names"])
        keys = ", ".join(role["keys"])
        what.append((name, f"{role['threshold']} of {keys}: {kinds} named {names}"))
    what += [("log key", one) for one in stated["logs"]]
    what += [("retired", value_words(one)) for one in stated.get("retired", ())]
    what += member_rows(stated, "retiredLogs", "misdated", "unmet")
    return PageText(what, [], ["whose keys these are"])


VIEWS: Mapping[str, View] = {
    "genesis": genesis,
    "policy": policy,
    "dataset": data.dataset,
    "filter": data.filter_,
    "records": data.records,
    "retention": data.retention,
    "delivery": data.delivery,
    "withdrawal": data.withdrawal,
    "timestamp": data.timestamp,
    "run": models.run,
    "checkpoint": models.checkpoint,
    "evaluation": models.evaluation,
    "card": models.card,
    "approval": models.approval,
    "reproduction": models.reproduction,
    "deployment": models.deployment,
    "prediction": models.prediction,
    "rules": rules.rules,
    "decision": rules.decision,
    "waiver": rules.waiver,
    "request": reviews.request,
    "queue": reviews.queue,
    "submission": reviews.submission,
    "review": reviews.review,
}
"""Kind → view; a test compares it with the list of kinds."""
