"""What can be committed of a folder: every file under a good name, and what stands in the way."""

from array import array
from dataclasses import dataclass
from pathlib import Path

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.curate.listing import Listed
from lyrikstore.curate.walk import Ignored, Offender, offender
from lyrikstore.history.paths import Paths, brief, show
from lyrikstore.history.paths import offenders as path_offenders
from lyrikstore.objects.statcache import STATE, sizes


@dataclass(frozen=True, slots=True)
class Scan:
    """The content of a folder, in columns.

    Attributes:
        root: The folder.
        paths: Relative paths of the files, in path order.
        states: The state of each file when it was listed, one after another, as
            :func:`lyrikstore.objects.statcache.pack_state` packs it.
        ignored: In path order.
        offenders: In path order; files among them are not in ``paths``.
    """

    root: str
    paths: Paths
    states: bytes
    ignored: tuple[Ignored, ...]
    offenders: tuple[Offender, ...]

    @property
    def sizes(self) -> "array[int]":
        """The files' sizes as listed, in path order."""
        return sizes(self.states)

    def location(self, at: int) -> str:
        """Return where file number ``at`` is on disk."""
        return f"{self.root}/{self.paths[at]}"

    def require_clean(self, folder: Path) -> None:
        """Return if everything can be committed.

        Raises:
            InvalidInputError: (``bad-files``) something cannot; names the first and lists all in
                ``details``. Nothing has been written.
        """
        if not self.offenders:
            return
        first = self.offenders[0]
        more = f" (and {len(self.offenders) - 1} more)" if len(self.offenders) > 1 else ""
        raise InvalidInputError(
            "bad-files",
            f"{folder}: {brief(first.path)}: {first.reason}{more}",
            hint=first.hint,
            details={
                "offenders": [
                    {"path": o.path, "kind": o.kind, "reason": o.reason, "hint": o.hint}
                    for o in self.offenders[:1000]
                ],
                "count": len(self.offenders),
            },
        )


def judge(listed: Listed, *, known: bool = False) -> Scan:
    """Return what of a listing can be committed.

    Args:
        listed: The listing.
        known: Whether exactly these names were judged before, and none was an offender.
    """
    names, states = listed.names, listed.states
    if known:
        return Scan(listed.root, Paths.known(names), states, listed.ignored, listed.offenders)
    try:
        return Scan(listed.root, Paths(names), states, listed.ignored, listed.offenders)
    except FormatError:
        pass
    offences = {offence.path: offence for offence in path_offenders(names)}
    found = list(listed.offenders)
    for offence in offences.values():
        other = f" ({brief(show(offence.other))})" if offence.other else ""
        found.append(offender(offence.path, offence.kind, offence.reason + other))
    kept = [at for at, name in enumerate(names) if name not in offences]
    width = STATE.size
    return Scan(
        listed.root,
        Paths(names[at] for at in kept),
        b"".join([states[at * width : (at + 1) * width] for at in kept]),
        listed.ignored,
        tuple(sorted(found)),
    )
