"""The format version of a manifest: the lowest that can express its content (spec §6.1).

The schemas of version 1 are those of release 0.1.0 and never change. A manifest that this release
cannot read has a higher version, so that the release reports "newer" and not "damaged". A statement
has exactly one id, so it also has exactly one version.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.schemas import check_schema, find_fault
from lyrikstore.history.manifests.kinds import Kind, check_inputs

NEWEST = 2
"""The newest format version that this code reads."""


def least_version(kind: Kind, body: Mapping[str, Any], inputs: Sequence[tuple[str, str]]) -> int:
    """Return the format version for a new manifest.

    Args:
        kind: Its kind.
        body: Its body.
        inputs: ``(role, kind)`` of each input.

    Returns:
        The lowest version that allows body and inputs; the newest of the kind if none does, so that
            checking against it gives the reason.
    """
    fitting = (v for v in range(kind.first, kind.newest) if _fits(kind, v, body, inputs))
    return next(fitting, kind.newest)


def check_version(
    kind: Kind, version: int, body: Mapping[str, Any], inputs: Sequence[tuple[str, str]]
) -> None:
    """Raise `schema` or `bad-manifest` unless ``version`` is the lowest that allows the body.

    Raises:
        FormatError: (``schema``) the body does not match the schema of this version;
            (``bad-manifest``) a lower version allows body and inputs as well.

    Cost: one validation of a schema for each version up to ``version``.
    """
    if version < kind.first:
        raise FormatError("schema", f"format version {version} has no {kind.name}")
    if version <= kind.newest:
        check_schema(body, kind.schema(version))
    if version > least_version(kind, body, inputs):
        raise FormatError("bad-manifest", "its format version is higher than the one that it needs")


def _fits(
    kind: Kind, version: int, body: Mapping[str, Any], inputs: Sequence[tuple[str, str]]
) -> bool:
    if find_fault(body, kind.schema(version)) is not None:
        return False
    try:
        check_inputs(kind, version, body, inputs)
    except FormatError:
        return False
    return True
