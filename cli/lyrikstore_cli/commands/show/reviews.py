"""Views of what people were asked about records, and of what they decided."""

from lyrikstore.api import Manifest
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.commands.show.view import Called, PageText, member_rows
from lyrikstore_cli.output.review_figures import figure_lines

_SHOWN = "what the reviewers were shown: only who has their folder can tell"
_FIRST = "that whoever holds the log key tried no other request before this one"
_TALKED = "that the reviewers read the records, and did not talk about them"


def request(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a request for a review."""
    body = manifest.body
    sample = body["sample"] or body["records"]
    what = [
        ("asks about", f"the field {body['field']}"),
        ("draws", f"{min(sample, body['records'])} of {pluralize(body['records'], 'record')}"),
        ("two decide", f"a share of {body['overlap']}"),
        ("blind", "yes" if body["blind"] else "no"),
        *(("reviewer", one) for one in body["reviewers"]),
        *member_rows(body, "adjudicator", "by", "strip"),
    ]
    return PageText(what, [], [_FIRST])


def queue(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a queue."""
    body = manifest.body
    what = [
        ("round", body["round"]),
        ("has", pluralize(body["items"], "record")),
        ("drawn by", f"the root of the log of {pluralize(body['size'], 'entry', 'entries')}"),
    ]
    what += [(one["reviewer"], pluralize(one["items"], "record")) for one in body["assignments"]]
    return PageText(what, [], [_SHOWN, _FIRST])


def submission(manifest: Manifest, _: Called) -> PageText:
    """Return the view of decisions that were handed in."""
    body = manifest.body
    what = [
        ("reviewer", body["reviewer"]),
        ("decided", pluralize(body["decisions"], "record")),
        ("digest", body["digest"]),
    ]
    return PageText(what, [], ["what was decided, until a review reveals it"])


def review(manifest: Manifest, _: Called) -> PageText:
    """Return the view of a review."""
    body = manifest.body
    first, *others = figure_lines(body["figures"])
    what = [("round", body["round"]), ("figures", first), *(("", one) for one in others)]
    what += [
        (one["reviewer"], f"{pluralize(one['decided'], 'record')}")
        for one in body["figures"]["reviewers"]
    ]
    return PageText(what, [], [_SHOWN, _TALKED, _FIRST])
