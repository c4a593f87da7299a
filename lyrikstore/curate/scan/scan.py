"""Scanning a folder for a commit: its files by path, and why some cannot be committed."""

from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from unicodedata import normalize

from msgspec import Struct, field
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.limits import MAX_NAMED
from lyrikstore.canon.text import brief, escape_control
from lyrikstore.curate.scan.listing import Listed
from lyrikstore.curate.scan.mapping import MAPPED_KINDS, map_names, original_text
from lyrikstore.curate.scan.walk import Ignored, Offender, offender
from lyrikstore.history.trees.paths import TreePaths
from lyrikstore.history.trees.paths import offenders as path_offenders
from lyrikstore.objects.io.stat_cache import STATE, sizes

_OFFER = "add --map-names"


class Scan(Struct, frozen=True):
    """The content of a folder, in columns.

    Attributes:
        root: The folder.
        paths: Relative paths of the files, in path order.
        states: The state of each file when it was listed, one after another, as
            :func:`lyrikstore.objects.io.stat_cache.pack_state` packs it.
        ignored: In path order.
        offenders: In path order; files among them are not in ``paths``.
        spelled: Path to the name that the file has in the folder, where that is another one.
        mapped: Path to that name, of those that the path grammar refuses, as metadata has it.
        elsewhere: Path to where its content lies, where that is not in the folder: unpacked.
    """

    root: str
    paths: TreePaths
    states: bytes
    ignored: tuple[Ignored, ...]
    offenders: tuple[Offender, ...]
    spelled: Mapping[str, str] = field(default_factory=dict)
    mapped: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @property
    def composed(self) -> tuple[str, ...]:
        """The paths of files whose names in the folder are the same text, but not in NFC."""
        return tuple(sorted(self.spelled.keys() - self.mapped.keys()))

    @property
    def sizes(self) -> "array[int]":
        """The files' sizes as listed, in path order."""
        return sizes(self.states)

    def location(self, at: int) -> str:
        """Return where file number ``at`` is on disk."""
        path = self.paths[at]
        return self.elsewhere.get(path) or f"{self.root}/{self.spelled.get(path, path)}"

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
            hint=next((o.hint for o in self.offenders if o.hint.startswith(_OFFER)), first.hint),
            details={
                "mistakes": [
                    {"kind": o.kind, "message": f"{brief(o.path)}: {o.reason}", "hint": o.hint}
                    for o in self.offenders[:MAX_NAMED]
                ],
                "mistakesCount": len(self.offenders),
                "offenders": [
                    {"path": o.path, "kind": o.kind, "reason": o.reason, "hint": o.hint}
                    for o in self.offenders[:1000]
                ],
                "count": len(self.offenders),
            },
        )


def judge(
    listed: Listed, *, known: bool = False, compose: bool = False, mapping: bool = False
) -> Scan:
    """Return what of a listing can be committed.

    Args:
        listed: The listing.
        known: Whether exactly these names were judged before, and none was an offender.
        compose: Whether files whose names are not in NFC are taken under their names in NFC.
        mapping: Whether files whose names are refused are taken under names that are allowed.
    """
    spelled: dict[str, str] = {}
    mapped: dict[str, str] = {}
    if compose:
        listed, spelled = _composed(listed)
    if mapping and path_offenders(listed.names):
        new = map_names(listed.names)
        mapped = {path: original_text(name) for name, path in new.items()}
        was = {path: spelled.get(name, name) for name, path in new.items()}
        spelled = {path: name for path, name in spelled.items() if path not in new} | was
        listed = _renamed(listed, [new.get(name, name) for name in listed.names])
    return replace(_judge(listed, spelled, known=known), spelled=spelled, mapped=mapped)


def _composed(listed: Listed) -> tuple[Listed, dict[str, str]]:
    # Not where the name in NFC is another file's: nobody could tell the two apart.
    names = listed.names
    if all(map(str.isascii, names)):
        return listed, {}
    known, composed, spelled = set(names), list(names), dict[str, str]()
    for at, name in enumerate(names):
        path = normalize("NFC", name)
        if path != name and path not in known and path not in spelled:
            composed[at], spelled[path] = path, name
    return (_renamed(listed, composed), spelled) if spelled else (listed, {})


def _renamed(listed: Listed, names: Sequence[str]) -> Listed:
    """Return a listing with other names for its files, in path order again."""
    order = sorted(range(len(names)), key=names.__getitem__)
    width, states = STATE.size, listed.states
    moved = b"".join([states[at * width : (at + 1) * width] for at in order])
    return listed._replace(names=[names[at] for at in order], states=moved)


def _judge(listed: Listed, spelled: Mapping[str, str], *, known: bool) -> Scan:
    names, states = listed.names, listed.states
    if known:
        return Scan(listed.root, TreePaths.known(names), states, listed.ignored, listed.offenders)
    try:
        return Scan(listed.root, TreePaths(names), states, listed.ignored, listed.offenders)
    except FormatError:
        pass
    offences = {offence.path: offence for offence in path_offenders(names)}
    found = list(listed.offenders)
    for offence in offences.values():
        other = f" ({brief(escape_control(offence.other))})" if offence.other else ""
        shown = spelled.get(offence.path, offence.path)
        one = offender(shown, offence.kind, offence.reason + other)
        if one.kind in MAPPED_KINDS:
            one = one._replace(hint=f"{_OFFER} to record it under an allowed name, or {one.hint}")
        found.append(one)
    kept = [at for at, name in enumerate(names) if name not in offences]
    width = STATE.size
    return Scan(
        listed.root,
        TreePaths(names[at] for at in kept),
        b"".join([states[at * width : (at + 1) * width] for at in kept]),
        listed.ignored,
        tuple(sorted(found)),
    )
