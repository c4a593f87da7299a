"""Packs: TOML files of rules and cases, read strictly (spec/21-rules.md §21.1)."""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, Literal, cast

from msgspec import Struct
from msgspec.structs import asdict, replace

from lyrikstore.canon.errors import FormatError, InvalidInputError, NotFoundError
from lyrikstore.canon.json import encode, parse_canonical
from lyrikstore.canon.schemas import check_schema
from lyrikstore.canon.text import suggest
from lyrikstore.canon.toml import check_user_file, parse_toml

MAX_PACK_BYTES: Final = 1 << 20
MAX_ENCODED_BYTES: Final = 8 << 20
"""Most bytes of an encoded pack: settings become more than they are."""

MAX_RULES: Final = 10_000
BUILTIN: Final = ("core", "legal", "health")
"""Names of the built-in packs."""

Effect = Literal["permit", "forbid"]
Answer = Literal["permit", "permit-by-waiver", "deny"]


class PackRule(Struct, frozen=True):
    """A rule of a pack.

    Attributes:
        id: Its id, unique among all packs that are used together.
        cedar: One Cedar policy, without annotations.
        effect: Whether it permits or forbids.
        about: Its demand, in one sentence.
        cite: The source that it follows; empty: none.
        remedy: The next step if it forbids, if possible a command; empty: none.
        waivable: Whether a waiver may lift it.
        line: Line of its ``id`` in the file, from 1.
    """

    id: str
    cedar: str
    effect: Effect
    about: str
    cite: str = ""
    remedy: str = ""
    waivable: bool = False
    line: int = 0


class Case(Struct, frozen=True):
    """A request with its required answer.

    Attributes:
        name: Its name, which states what it tests.
        action: ``train``, ``evaluate``, ``issue``, ``approve`` or ``deploy``.
        answer: The required answer.
        rules: Ids of the rules that must forbid the request, sorted.
        facts: Attributes that differ from those of permitted data, or of a permitted model; members
        of a record are merged.
        kind: ``Dataset`` or ``Model``.
        context: Attributes of the context that differ from those of a permitted request.
        waived: Ids of rules for which a waiver is in force.
        line: Line of its name in the file, from 1.
    """

    name: str
    action: str
    answer: Answer
    rules: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}
    kind: str = "Dataset"
    context: Mapping[str, Any] = {}
    waived: tuple[str, ...] = ()
    line: int = 0


class Pack(Struct, frozen=True):
    """Rules and their cases.

    Attributes:
        name: Its name, such as ``health``.
        version: Its version, numbered by its author.
        as_of: The day on which its sources were read, as ``2026-12-01``.
        reviewed: The person who reviewed it.
        sources: The laws and documents that it follows.
        rules: Its rules, in the order of the file.
        cases: Its cases, in the order of the file.
        file: The name of the file in messages.
    """

    name: str
    version: str
    as_of: str
    reviewed: str
    sources: tuple[str, ...]
    rules: tuple[PackRule, ...]
    cases: tuple[Case, ...]
    file: str


def builtin_pack(name: str) -> Pack:
    """Return a built-in pack.

    Raises:
        NotFoundError: (``no-pack``) no built-in pack has that name.
    """
    return parse_pack(builtin_source(name), f"{name}.toml")


def builtin_source(name: str) -> bytes:
    """Return the TOML file of a pack that comes along.

    Raises:
        NotFoundError: (``no-pack``) there is none of that name.
    """
    if name not in BUILTIN:
        raise NotFoundError(
            "no-pack",
            f"there is no file {name}, and no pack of that name comes with lyrikstore",
            hint=suggest(name, BUILTIN) or f"packs are {', '.join(BUILTIN)}",
        )
    return files(__package__).joinpath("packs", f"{name}.toml").read_bytes()


def parse_pack(data: bytes, file: str) -> Pack:
    """Return the pack in a TOML file; its Cedar policies are not checked here.

    Args:
        data: The file, of at most 1 MiB.
        file: Its name, for messages.

    Raises:
        FormatError: (``bad-toml``, ``schema``) it is not TOML, or not a pack; (``bad-rules``) two
            rules have one id, or a rule that forbids has neither ``cite`` nor ``remedy``.
    """
    document = parse_toml(data, max_bytes=MAX_PACK_BYTES)
    check_user_file(document, "rules-pack")
    return _pack_of(document, file, _Lines(data.decode("utf-8-sig")))


def encode_pack(pack: Pack) -> bytes:
    """Return the canonical JSON of a pack, as a ``rules`` manifest has it (spec §21.6).

    Raises:
        FormatError: (``bad-json``) a case holds a value that JSON does not have.
    """
    document: dict[str, Any] = {
        "pack": 1,
        "name": pack.name,
        "version": pack.version,
        "asOf": pack.as_of,
        "reviewed": pack.reviewed,
        "sources": list(pack.sources),
        "rule": [
            {
                name: value
                for name, value in asdict(one).items()
                if name != "line" and value not in ("", False)
            }
            for one in pack.rules
        ],
    }
    if pack.cases:
        document["case"] = [
            {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in asdict(one).items()
                if name != "line" and value not in ((), {})
            }
            for one in pack.cases
        ]
    return encode(document)


def decode_pack(data: bytes, file: str) -> Pack:
    """Return the pack that :func:`encode_pack` wrote; its lines are 0.

    Args:
        data: The bytes, of at most 8 MiB.
        file: Name of the manifest that has them, for messages.

    Raises:
        FormatError: (``bad-json``, ``not-canonical``, ``schema``, ``bad-rules``) it is not a pack.
    """
    document = parse_canonical(data, max_bytes=MAX_ENCODED_BYTES)
    check_schema(document, "rules-pack")
    return _pack_of(cast("dict[str, Any]", document), file, _Lines(""))


def _pack_of(document: Mapping[str, Any], file: str, lines: "_Lines") -> Pack:
    rules = [
        PackRule(**{**one, "line": lines.of("id", one["id"])}) for one in document.get("rule", ())
    ]
    ids: set[str] = set()
    for rule in rules:
        if rule.id in ids:
            raise bad_rule(file, rule, "another rule of the file has the same id")
        ids.add(rule.id)
        if rule.effect == "forbid" and not (rule.cite or rule.remedy):
            raise bad_rule(file, rule, "it forbids and has neither cite nor remedy")
        if rule.effect == "permit" and rule.waivable:
            raise bad_rule(file, rule, "it permits, so that no waiver can lift it")
    cases = [
        Case(
            name=one["name"],
            action=one["action"],
            answer=one["answer"],
            rules=tuple(sorted(one.get("rules", ()))),
            facts=one.get("facts", {}),
            kind=one.get("kind", "Dataset"),
            context=one.get("context", {}),
            waived=tuple(one.get("waived", ())),
            line=lines.of("name", one["name"]),
        )
        for one in document.get("case", ())
    ]
    return Pack(
        name=document["name"],
        version=document["version"],
        as_of=document["asOf"],
        reviewed=document["reviewed"],
        sources=tuple(document.get("sources", ())),
        rules=tuple(rules),
        cases=tuple(cases),
        file=file,
    )


def bad_rule(file: str, rule: PackRule, reason: str) -> FormatError:
    """Return the error for a rule that cannot be used, with file and line."""
    return FormatError(
        "bad-rules",
        f"{file}, line {rule.line}: rule {rule.id}: {reason}",
        details={"file": file, "line": rule.line, "rule": rule.id},
    )


def joined(packs: Sequence[Pack]) -> tuple[PackRule, ...]:
    """Return the rules of packs of several namespaces, each rule once.

    Two namespaces may have different rules of one id: then both decide.
    """
    found: list[PackRule] = []
    for rule in (rule for pack in packs for rule in pack.rules):
        if all(replace(rule, line=0) != replace(one, line=0) for one in found if one.id == rule.id):
            found.append(rule)
    return tuple(found)


def combined(packs: Sequence[Pack]) -> tuple[PackRule, ...]:
    """Return the rules of several packs, in their order; what several packs share, once.

    Raises:
        InvalidInputError: (``rule-twice``) two of them have different rules of one id.
    """
    found: dict[str, tuple[PackRule, Pack]] = {}
    for pack in packs:
        for rule in pack.rules:
            first, owner = found.setdefault(rule.id, (rule, pack))
            if replace(first, line=0) != replace(rule, line=0):
                both = f"{owner.file} and {pack.file}"
                raise InvalidInputError("rule-twice", f"{both} have different rules {rule.id}")
    return tuple(rule for rule, _ in found.values())


class _Lines:
    """The lines of a TOML file at which its tables begin."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, str], int] = {}
        written = re.compile(r"""\s*(id|name)\s*=\s*(["'])(.*)\2\s*(?:#.*)?""")
        for number, line in enumerate(text.split("\n"), start=1):
            if found := written.fullmatch(line.rstrip("\r")):
                self._lines[found[1], found[3]] = number  # of two, the second is the one at fault

    def of(self, member: str, value: str) -> int:
        """Return the last line that sets ``member`` to this value; 0 if it is spelt differently."""
        return self._lines.get((member, value), 0)
