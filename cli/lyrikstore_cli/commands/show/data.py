"""Views of data: versions, filters, commitments to records, retentions and deliveries."""

from lyrikstore.api import Manifest
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.commands.show.view import (
    Called,
    PageText,
    bytes_words,
    count_words,
    descriptor_rows,
    member_rows,
    unknown_fields,
    value_words,
)

_TERMS = "who may use it for which purposes: lyrikstore terms REF shows the credentials"


def dataset(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a dataset version."""
    body = manifest.body
    files = pluralize(body["fileCount"], "file")
    what = [
        (
            "holds",
            f"{pluralize(body['records'], 'record')} in {files}, {bytes_words(body['bytes'])}",
        ),
        ("origin", body["origin"]),
        ("read as", body["reader"]),
        *member_rows(body, "fields", "skipped", "ignored", "companions"),
    ]
    if "metadata" in body:
        what.append(("sheet", f"columns {', '.join(body['metadata']['columns']) or 'none'}"))
    if (made := body.get("derivation")) is not None:
        what.append(("filter", count_words(made["counts"])))
        what += [
            (done, value_words(made[done]))
            for done in ("dropped", "changed", "reported")
            if made.get(done)
        ]
    what += [("written by", value_words(one)) for one in body.get("generators", ())]
    stated = [*descriptor_rows(body)]
    rights = [row for row in stated if row[0] in {"licence", "prohibitedUses", "tdmReservation"}]
    if "licence" in body:
        rights.append(("text", body["licence"]["expression"]))
    what += [row for row in stated if row not in rights]
    return PageText(what, rights, [*unknown_fields(body), _TERMS])


def filter_(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a filter."""
    body = manifest.body
    steps = [("step", value_words(one)) for one in body["steps"]]
    models = [("model", value_words(one)) for one in body.get("models", ())]
    more = [*member_rows(body, "reads", "engine", "cpu"), *models]
    return PageText(
        [*steps, *more], [], ["that it ran as stated: to check, apply it to the same data again"]
    )


def records(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a records manifest."""
    body = manifest.body
    roots = [(f"by {one['type']}", f"{pluralize(one['count'], 'record')}, root {one['root'][:12]}")
             for one in body["roots"]]  # fmt: skip
    return PageText([("read as", body["reader"]), *roots])


def retention(manifest: Manifest, called: Called) -> PageText:
    """Return the view of a retention."""
    body = manifest.body
    gone = [("retires", called(str(one.id))) for one in manifest.inputs]
    what = [("of", body["of"]), ("keeps", f"the newest {body['keep']}"), *gone]
    return PageText(what, [], ["that no copy of the data is left elsewhere"])


def delivery(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a delivery."""
    body = manifest.body
    what = [("handed over as", body["form"]), *member_rows(body, "to")]
    if "credential" in body:
        what.append(("credential", Digest.parse(body["credential"]).short))
    if body.get("without"):
        what.append(("without", ", ".join(body["without"])))
    return PageText(what, [], ["that the named recipient received it: its author states so"])


def withdrawal(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a revocation or another change of a credential."""
    body = manifest.body
    what = [(body["decision"], f"credential {Digest.parse(body['credential']).short}"),
            ("status list", Digest.parse(body["list"]).short)]  # fmt: skip
    if "successor" in body:
        what.append(("successor", Digest.parse(body["successor"]).short))
    return PageText(what)


def timestamp(manifest: Manifest, _: Called) -> PageText:
    """Return the view of an outside time."""
    body = manifest.body
    kind = "time stamp" if "response" in body else "cosignature"
    return PageText(
        [("first entries", str(body["size"])), ("existed by", body["time"]), (kind, body["by"])]
    )
