"""The scan of a folder for a commit: its files by path, and entries that cannot be committed."""

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
        states: The states of the files when they were listed, concatenated, each packed by
            :func:`lyrikstore.objects.io.stat_cache.pack_state`.
        ignored: Files and folders that were left out, in path order.
        offenders: Entries that cannot be committed, in path order; they are not in ``paths``.
        spelled: Path to the name in the folder, if the two differ.
        mapped: Path to the name in the folder, as metadata has it, for names that the path grammar
            refuses.
        elsewhere: Path to the location of the content, if it is not in the folder but unpacked.
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
        """The paths of files whose names in the folder are not in NFC, but equal otherwise."""
        return tuple(sorted(self.spelled.keys() - self.mapped.keys()))

    @property
    def sizes(self) -> "array[int]":
        """The files' sizes as listed, in path order."""
        return sizes(self.states)

    def location(self, at: int) -> str:
        """Return the location on disk of file number ``at``."""
        path = self.paths[at]
        return self.elsewhere.get(path) or f"{self.root}/{self.spelled.get(path, path)}"

    def require_clean(self, folder: Path) -> None:
        """Raise `bad-files` for the first offender.

        Raises:
            InvalidInputError: (``bad-files``) an entry cannot be committed; the message names the
                first, ``details`` lists all. Nothing has been written.
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
    """Return the scan of a listing: its names are checked, and refused ones are offenders.

    Args:
        listed: The listing.
        known: Whether exactly these names were checked before, and none was an offender.
        compose: Whether names that are not in NFC are recorded in NFC.
        mapping: Whether refused names are recorded under allowed names.
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
    # Not if another file has the name in NFC: the two could not be distinguished.
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
    """Return a listing with new names for its files, sorted in path order again."""
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
