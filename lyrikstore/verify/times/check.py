"""The check ``timestamps``: whether outside times of a log are what they say (spec §11.6)."""

from collections.abc import Iterable

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable, unchecked
from lyrikstore.verify.times.outside import OutsideTimes

_CHECK = "timestamps"


def check_timestamps(
    times: OutsideTimes, manifests: Iterable[Manifest], index: int | None = None
) -> Check:
    """Return ``timestamps``.

    Args:
        times: The log, and whom the verifier believes.
        manifests: Manifests with effect, of all kinds.
        index: Log index of what is verified; None: the whole log.
    """
    problems = Problems(_CHECK)
    found = []
    some = [one for one in manifests if one.kind == "timestamp"]
    for one in some:
        label = f"{one.name} ({one.id.short})"
        try:
            found.append(times.read(one))
        except LyrikstoreError as error:
            if error.kind == "missing-extra":
                return unchecked(_CHECK, "no-library", error.message)
            problems.note(label, error)
    for seen in found:
        if not seen.is_known:
            text = f"{seen.said} is not in your trust file: its date is not believed"
            problems.add(problems.warnings, "unknown-outsider", text)
    if not some:
        return not_applicable(_CHECK, "nobody outside dated the log: every date is claimed")
    known = sorted((one for one in found if one.is_known), key=lambda one: one.time)
    said = f"{pluralize(len(some), 'outside time')}"
    if index is not None:
        known = [one for one in known if one.size > index][:1]
        said += "; nobody whom you trust dated it" if not known else ""
        said += "".join(
            f"; it existed by {format_timestamp(one.time)}, as {one.by} says" for one in known
        )
    elif known:
        first = known[0]
        said += (
            f"; its first {pluralize(first.size, 'entry')} existed by "
            f"{format_timestamp(first.time)}, as {first.by} says"
        )
    return problems.close(
        said,
        existedBy=[
            {"size": one.size, "time": format_timestamp(one.time), "by": one.by} for one in known
        ],
    )
