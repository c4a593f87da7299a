"""``opt-out/1``: leaves out what somebody has said is not to be used (spec §12.5.23).

Two sources: lists of URLs, domains, ids and hashes, which are a dataset of rows, so that who was
left out by which list is signed; and statements of preference that came with a record.
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
"""Fields of a row of a list: what it names."""

AIPREF_AS_OF = "2026-10-19"
"""Date of the drafts whose words are known: draft-ietf-aipref-vocab and -attach."""

AIPREF: Mapping[str, str] = {
    "train-ai": "training of models",
    "bots": "automated processing",
}
"""Category → what it is about; both are more general or the same as training a model."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?//")
_STATEMENT = re.compile(r"([a-z][a-z0-9-]*)=([yn])(?:;[^,]*)?")


@dataclass(frozen=True)
class OptOut(Filter):
    """Drops records that a list names, or that come with a statement against training.

    Attributes:
        lists: REFs of datasets whose rows have fields ``url``, ``domain``, ``id`` or ``hash``.
        url: The field of a record that holds where it comes from.
        statement: The field that holds a ``Content-Usage`` statement (AIPREF).
        names: Kind → what the lists name, once they were read.
    """

    USE: ClassVar[str] = "opt-out/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "against",
            "strings",
            "datasets of rows that name what is to be left out, in fields url, domain, id or hash",
            optional=True,
        ),
        Parameter("url", "string", "the field with a record's address", optional=True),
        Parameter(
            "statement",
            "string",
            "the field with a preference, such as train-ai=n",
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
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) neither lists nor statements are looked at.
        """
        lists = tuple(values.get("against", ()))
        if not lists and "statement" not in values:
            raise InvalidInputError(
                "bad-recipe",
                "opt-out/1 looks at nothing",
                hint="name lists: against = [REF], or a field: statement = FIELD",
            )
        return cls(lists, values.get("url", ""), values.get("statement", ""), {})

    def reads(self) -> tuple[str, ...]:
        """Return the fields that the step reads."""
        return tuple(f"meta:{name}" for name in (self.url, self.statement) if name)

    @property
    def refs(self) -> tuple[str, ...]:
        """The lists."""
        return self.lists

    def prepare(self, records: Iterable[FilterRecord]) -> bytes:
        """Return what the lists name.

        Raises:
            InvalidInputError: (``no-names``) a row of one names nothing; (``not-looked-at``) they
                name addresses, and the step is told of no field with one.
        """
        found: dict[str, set[str]] = {kind: set() for kind in KINDS}
        for record in records:
            named = [(kind, one) for kind in KINDS for one in as_texts(record.fields.get(kind))]
            if not named:  # of a list that is misspelt, nothing would be left out
                raise InvalidInputError(
                    "no-names",
                    f"a list of opt-outs: {record.path} record {record.position + 1} names nothing",
                    hint=f"each row needs a field {', '.join(KINDS[:-1])} or {KINDS[-1]}",
                )
            for kind, value in named:
                found[kind].add(_plain(kind, value))
        if not self.url and (found["url"] or found["domain"]):
            raise InvalidInputError(
                "not-looked-at",
                "the lists of opt-outs name addresses, and nothing says where a record has its own",
                hint='name the field: url = "FIELD"',
            )
        return msgspec.json.encode({kind: sorted(names) for kind, names in found.items()})

    def bind(self, prepared: bytes) -> Self:
        """Return the step with what the lists name."""
        found = msgspec.json.decode(prepared, type=dict[str, frozenset[str]])
        return replace(self, names=found)

    def decide(self, record: FilterRecord) -> Outcome:
        """Return what becomes of a record."""
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
                "the lists of opt-outs name ids, and no field of the data has that role",
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
        said = as_text(record.fields.get(self.statement))
        if said is None:
            return Keep()
        words = {}
        for part in said.lower().split(","):
            found = _STATEMENT.fullmatch(part.strip())
            if found is None or found[1] not in AIPREF:
                return Drop("preference-unknown", part.strip()[:100])
            words[found[1]] = found[2]
        # The word about training counts; what is more general only where that is not said.
        word = words.get("train-ai", words.get("bots"))
        return Drop("preference-against", said[:100]) if word == "n" else Keep()


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
    """Return the host of an address, in ASCII as DNS has it; empty if it has none."""
    try:
        host = (urlsplit(_with_scheme(address.strip())).hostname or "").rstrip(".")
        return host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        return ""


def _with_scheme(address: str) -> str:
    return address if _SCHEME.match(address) else f"//{address}"


def _domains(host: str) -> Iterable[str]:
    """Yield a host and every domain that it is in, the longest first."""
    parts = host.split(".")
    return (".".join(parts[at:]) for at in range(len(parts)))
