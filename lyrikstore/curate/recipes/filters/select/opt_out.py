"""``opt-out/1``: drops records whose authors opted out (spec §12.5.23).

Opt-outs come from two sources: lists of URLs, domains, ids and hashes, which are datasets of rows,
so that the use of each list is signed; and preference statements in the records themselves.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import msgspec

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.fields import say_which
from lyrikstore.curate.readers.rows import as_text, as_texts
from lyrikstore.curate.recipes.filters.contract import (
    Drop,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter

KINDS = ("url", "domain", "id", "hash")
"""The fields of rows of a list, by which the rows name records."""

AIPREF_AS_OF = "2026-10-19"
"""Date of the supported drafts: draft-ietf-aipref-vocab and -attach."""

AIPREF: Mapping[str, str] = {
    "train-ai": "training of models",
    "bots": "automated processing",
}
"""Category → its meaning; both categories include training a model."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?//")
_STATEMENT = re.compile(r"([a-z][a-z0-9-]*)=([yn])(?:;[^,]*)?")


@dataclass(frozen=True)
class OptOut(Filter):
    """Filter that drops records that a list names, or that have a statement against training.

    Attributes:
        lists: REFs of datasets whose rows have fields ``url``, ``domain``, ``id`` or ``hash``.
        url: The field with the address of a record's origin.
        statement: The field with a ``Content-Usage`` statement (AIPREF).
        names: Kind → values in the lists; empty until :meth:`bind`.
    """

    USE: ClassVar[str] = "opt-out/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "against",
            "strings",
            "datasets of rows that name the records to drop, in fields url, domain, id or hash",
            optional=True,
        ),
        Parameter("url", "string", "the field with the address of a record", optional=True),
        Parameter(
            "statement",
            "string",
            "the field with a preference statement, such as train-ai=n",
            optional=True,
        ),
    )
    TOGETHER: ClassVar[Mapping[str, Any]] = {
        "anyOf": [{"required": ["against"]}, {"required": ["statement"]}]
    }

    REF_ROLE: ClassVar[str] = "opt-out"

    lists: tuple[str, ...]
    url: str
    statement: str
    names: Mapping[str, frozenset[str]]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) the step names neither lists nor a field.
        """
        lists = tuple(values.get("against", ()))
        if not lists and "statement" not in values:
            raise InvalidInputError(
                "bad-recipe",
                "the opt-out/1 step names neither a list nor a field with statements",
                hint="name lists: against = [REF], or a field: statement = FIELD",
            )
        return cls(lists, values.get("url", ""), values.get("statement", ""), {})

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: its fields."""
        return tuple(f"meta:{name}" for name in (self.url, self.statement) if name)

    @property
    def refs(self) -> tuple[str, ...]:
        """The lists."""
        return self.lists

    def prepare(self, records: Iterable[FilterRecord]) -> bytes:
        """Return the values in the lists, by kind, as JSON.

        Raises:
            InvalidInputError: (``no-names``) a row of a list names nothing; (``not-looked-at``) the
                lists contain addresses, and the step has no ``url`` field.
        """
        names: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for record in records:
            named = [(kind, text) for kind in KINDS for text in as_texts(record.fields.get(kind))]
            if not named:  # with misspelt fields, a list would drop no record
                raise InvalidInputError(
                    "no-names",
                    f"an opt-out list: record {record.position + 1} of {record.path} names nothing",
                    hint=f"each row needs a field {', '.join(KINDS[:-1])} or {KINDS[-1]}",
                )
            for kind, value in named:
                names[kind].add(_plain(kind, value))
        if not self.url and (names["url"] or names["domain"]):
            raise InvalidInputError(
                "not-looked-at",
                "the opt-out lists contain addresses, and the step names no field with the address "
                "of a record",
                hint='name the field: url = "FIELD"',
            )
        return msgspec.json.encode({kind: sorted(values) for kind, values in names.items()})

    def bind(self, prepared: bytes) -> Self:
        """Return the step with the values of the lists."""
        names = msgspec.json.decode(prepared, type=dict[str, frozenset[str]])
        return replace(self, names=names)

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        address = as_text(record.fields.get(self.url)) if self.url else None
        if address is not None:
            if (self.names.get("url") or self.names.get("domain")) and not _host(address):
                return Drop("address-unreadable", address[:100])
            if _plain("url", address) in self.names.get("url", ()):
                return Drop("opted-out-url")
            host = _host(address)
            for domain in _domains(host):
                if domain in self.names.get("domain", ()):
                    return Drop("opted-out-domain", domain)
        if self.names.get("id") and not record.roles.id:
            raise InvalidInputError(
                "not-looked-at",
                "the opt-out lists contain ids, and no field of the data has the role id",
                hint=say_which("--id FIELD"),
            )
        own = as_text(record.fields.get(record.roles.id)) if record.roles.id else None
        if own is not None and own in self.names.get("id", ()):
            return Drop("opted-out-id")
        if record.source_id.hex in self.names.get("hash", ()):
            return Drop("opted-out-hash")
        if self.statement:
            return self._stated(record)
        return Keep()

    def _stated(self, record: FilterRecord) -> Outcome:
        statement = as_text(record.fields.get(self.statement))
        if statement is None:
            return Keep()
        preferences = {}
        for part in statement.lower().split(","):
            match = _STATEMENT.fullmatch(part.strip())
            if match is None or match[1] not in AIPREF:
                return Drop("preference-unknown", part.strip()[:100])
            preferences[match[1]] = match[2]
        # train-ai decides; the more general bots only counts without it.
        preference = preferences.get("train-ai", preferences.get("bots"))
        return Drop("preference-against", statement[:100]) if preference == "n" else Keep()


def _plain(kind: str, value: str) -> str:
    if kind == "url":
        address = value.strip()
        try:
            parts = urlsplit(_with_scheme(address))
        except ValueError:
            return address
        query = f"?{parts.query}" if parts.query else ""
        return f"{_host(address)}{parts.path.rstrip('/')}{query}"
    if kind == "domain":
        return _host(value.strip().lstrip("."))
    return value.strip().lower().removeprefix("blake3:") if kind == "hash" else value


def _host(address: str) -> str:
    """Return the host of an address in ASCII, as in DNS; empty if it has none."""
    try:
        host = (urlsplit(_with_scheme(address.strip())).hostname or "").rstrip(".")
        return host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        return ""


def _with_scheme(address: str) -> str:
    return address if _SCHEME.match(address) else f"//{address}"


def _domains(host: str) -> Iterable[str]:
    """Yield a host and all its parent domains, the longest first."""
    parts = host.split(".")
    return (".".join(parts[at:]) for at in range(len(parts)))
