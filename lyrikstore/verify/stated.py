"""Members of manifests that only their signer states: ``spec/stated.json`` (spec §11.5).

No other bytes can confirm these members. The list is complete: a test changes every member of every
body in turn, signs it again, and finds members that are not listed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.json import decode

from lyrikstore.canon.files import data_folder, read_packaged

STATED: Mapping[str, Mapping[str, str]] = decode(
    read_packaged(data_folder("spec") / "stated.json"), type=dict[str, dict[str, str]]
)
"""Kind → member of its body → the reason why no verifier can check it.

A member is named by its path: names with dots between, ``[]`` for the items of a list, ``*`` for
the members of an object that are named after labels. What is below a member that is listed, is
listed with it.
"""


def stated_members(kind: str, bodies: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the members of a kind of manifest that are only stated and occur in some bodies.

    Args:
        kind: The kind of manifest.
        bodies: Bodies of manifests of that kind.
    """
    some = list(bodies)
    listed = STATED.get(kind, {})
    return [path for path in listed if any(_has(one, _parts(path)) for one in some)]


def _parts(path: str) -> list[str]:
    return path.replace("[]", ".[]").split(".")


def _has(value: Any, parts: list[str]) -> bool:
    if not parts:
        return True
    first, *rest = parts
    if first in {"[]", "*"}:
        inner = value if isinstance(value, list) else value.values()
        return any(_has(one, rest) for one in inner)
    return isinstance(value, dict) and first in value and _has(value[first], rest)
