"""The kinds of manifest and the inputs that each may have (spec §6.4).

All verifiers use one table, ``spec/manifest-kinds.json``. A manifest whose inputs violate it is
refused when it is made and again whenever it is read, so that a blob, a filter or a test set cannot
take the place of a dataset (attack case A17).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.json import decode
from msgspec.structs import replace

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.files import data_folder, read_packaged
from lyrikstore.canon.limits import MAX_INPUTS

GENESIS_NAME = "policies/store/main"
"""The name of the genesis manifest; later policies succeed it under the same name."""


class InputRule(Struct, frozen=True, forbid_unknown_fields=True):
    """The inputs that one role of a kind accepts.

    Attributes:
        kind: The kind the input must have.
        least: Fewest inputs in this role.
        most: Most inputs in this role.
        since: The format version that introduced the role.
    """

    kind: str
    least: int = 0
    most: int = MAX_INPUTS
    since: int = 1


class Kind(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of manifest.

    Attributes:
        prefix: First segment of its names, such as ``datasets``.
        name: Its name, such as ``dataset``.
        has_tree: Whether ``tree`` and ``files`` are present.
        inputs: Role → rule.
        origins: For kinds whose body has ``origin``: origin → the rules that replace ``inputs``.
        either: Roles of which exactly one has an input.
        attachments: Roles of which there must be exactly one attachment.
        described: Members of the body; if one is present, there is exactly one attachment in the
            role of the same name.
        audited: Roles of attachments without data, which a clone for an audit has.
        newest: The newest format version for which the kind has a schema.
        first: The first such version.
    """

    prefix: str
    name: str = ""
    has_tree: bool = field(name="tree", default=False)
    inputs: dict[str, InputRule] = {}
    origins: dict[str, dict[str, InputRule]] = {}
    either: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    described: tuple[str, ...] = ()
    audited: tuple[str, ...] = ()
    newest: int = 1
    first: int = 1

    def rules(self, body: Mapping[str, Any], version: int) -> Mapping[str, InputRule]:
        """Return the input rules of a format version for a manifest with this body."""
        rules = self.origins.get(str(body.get("origin")), {}) if self.origins else self.inputs
        return {role: rule for role, rule in rules.items() if rule.since <= version}

    def schema(self, version: int) -> str:
        """Return the name of the schema for its bodies in a format version, at most ``newest``."""
        return f"kinds/{self.name}" if version == 1 else f"kinds-{version}/{self.name}"


KINDS: Mapping[str, Kind] = {
    name: replace(kind, name=name)
    for name, kind in decode(
        read_packaged(data_folder("spec") / "manifest-kinds.json"), type=dict[str, Kind]
    ).items()
}

PREFIXES: Mapping[str, frozenset[str]] = {
    prefix: frozenset(kind.name for kind in KINDS.values() if kind.prefix == prefix)
    for prefix in {kind.prefix for kind in KINDS.values()}
}
"""First segment of a name → the kinds whose manifests may move such a ref."""


def kind_of(name: str) -> Kind:
    """Return the kind named ``name``.

    Raises:
        FormatError: (``unknown-kind``) this version knows no such kind.
    """
    try:
        return KINDS[name]
    except KeyError:
        raise FormatError(
            "unknown-kind",
            f"there is no kind of manifest {name[:64]!r}",
            hint="upgrade lyrikstore",
        ) from None


def check_inputs(
    kind: Kind, version: int, body: Mapping[str, Any], inputs: Iterable[tuple[str, str]]
) -> None:
    """Raise `bad-input` unless a manifest of ``kind`` with ``body`` may have these inputs.

    Args:
        kind: The kind, from :func:`kind_of`.
        version: The format version whose roles are allowed.
        body: The manifest's body; its ``origin`` chooses the rules where the kind has several.
        inputs: ``(role, kind)`` of each input.

    Raises:
        FormatError: (``bad-input``) the table does not allow a role or a kind, or there are too few
            or too many inputs in a role.
    """
    rules = kind.rules(body, version)
    counts = dict.fromkeys(rules, 0)
    for role, input_kind in inputs:
        rule = rules.get(role)
        if rule is None:
            raise FormatError(
                "bad-input", f"a {kind.name} here takes no input in role {role[:64]!r}"
            )
        if rule.kind != input_kind:
            raise FormatError(
                "bad-input",
                f"role {role!r} of a {kind.name} takes a {rule.kind}, not a {input_kind[:64]}",
            )
        counts[role] += 1
    for role, count in counts.items():
        if not rules[role].least <= count <= rules[role].most:
            wanted = (
                "exactly one" if rules[role].most == 1 and rules[role].least else "another number"
            )
            wanted = "at most one" if rules[role].most == 1 and not rules[role].least else wanted
            wanted = "at least one" if rules[role].most == MAX_INPUTS else wanted
            raise FormatError(
                "bad-input", f"a {kind.name} takes {wanted} of role {role!r}, not {count}"
            )
    if kind.either and sum(counts.get(role, 0) for role in kind.either) != 1:
        roles = " or ".join(repr(role) for role in kind.either if role in rules)
        raise FormatError("bad-input", f"a {kind.name} takes exactly one of role {roles}")
