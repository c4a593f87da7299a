"""Canonical RDF of documents, which ``eddsa-rdfc-2022`` proofs sign (spec §3.7).

Such a proof signs a graph, not a text. One graph has many texts, so a verifier that reads the text
can be shown another one than was signed: an expired credential whose ``validUntil`` is spelled as a
full IRI still verifies, and no reader finds the date. So only documents whose graph contains all of
the text are signed and verified: bundled contexts, plain terms, no nulls, nothing that JSON-LD
would drop, merge or interpret in two ways, and no graph that is expensive to canonicalize.

PyLD (extra ``jsonld``) does the work; it is imported at the first use.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from math import factorial
from typing import Any, NamedTuple, NoReturn

from lyrikstore.canon.errors import IncompleteError, VerificationError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_RDF_ELEMENTS, MAX_RDF_VALUES
from lyrikstore.canon.text import WHITE_SPACE, pluralize
from lyrikstore.w3c.contexts import CONTEXTS, context_document
from lyrikstore.w3c.values import LANGUAGE_VALUE, is_language_value, items_of, types_of

CRYPTOSUITE = "eddsa-rdfc-2022"


MAX_WORK = 2048
"""Permutations of similar blank nodes, at most; the effort can grow with the factorial."""

_TERM = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
# Without the characters that N-Quads does not escape: with them one IRI could hold whole
# statements, and swallow the one that says when the credential expires.
# ATTACK: to PyLD and jsonld.js an IRI with a blank of any script is none, and they drop what is
# said of it: anybody could add that unsigned. They disagree on U+0085 and U+FEFF.
_IRI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f-\xa0<>\"{{}}|^`\\{WHITE_SPACE}\ufffe\uffff]*"
)
_NAMED = re.compile(f"{_IRI.pattern}[#/]({_TERM.pattern})", re.ASCII)
# PyLD escapes them otherwise than RDFC.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_MAY_NAME = frozenset({"VerifiablePresentation", "DataIntegrityProof"})
"""Types that may define terms of their own: presentations, and their proofs."""


def canonical(document: dict[str, JSON]) -> bytes:
    """Return the canonical N-Quads of ``document`` (RDFC-1.0).

    Raises:
        VerificationError: (``bad-rdf``) the graph would not contain all of the text, or is too
            expensive to canonicalize.
        IncompleteError: (``unknown-context``) a context is not bundled; (``missing-extra``) PyLD is
            not installed.

    Cost: much more than canonical JSON; bounded by the limits of spec §3.7.
    """
    written = _Text(document).count()
    if written > MAX_RDF_VALUES:
        _refuse(f"more than {MAX_RDF_VALUES} values")
    expand, canonicalize = _load_pyld()
    expanded = expand(document)
    if _count_expanded(expanded) != written:
        _refuse("a member has no meaning in its contexts, or shares it with another")
    return canonicalize(expanded)


class _Text:
    """Checks of a document before JSON-LD processing.

    Args:
        document: A document with ``@context``: URLs of bundled contexts; a presentation may also
            define terms of its own.
    """

    def __init__(self, document: dict[str, JSON]) -> None:
        self.document = document
        self.contexts = document.get("@context")
        self.may_name = not _MAY_NAME.isdisjoint(types_of(document))
        self.iris: set[str] = set()  # that terms stand for; the text has to use the terms
        vocabularies: set[str] = set()
        own: list[dict[str, JSON]] = []
        for context in items_of(self.contexts):
            if isinstance(context, str):
                meanings = _meanings(context)
                self.iris |= meanings.iris
                vocabularies |= meanings.vocabularies
            elif isinstance(context, dict) and self.may_name:
                own.append(context)
            else:
                _refuse("a context is missing, null, or inline in what is no presentation")
        self.vocabularies = tuple(vocabularies)
        named = [(term, iri) for context in own for term, iri in context.items()]
        for term, iri in named:
            # ATTACK: whoever shows a presentation writes other words for its IRIs. If each is the
            # last part of its IRI, and no known context has another, there is no choice.
            if _last_part(iri) != term or not {term, iri}.isdisjoint(_known()):
                _refuse(f"a context of its own gives {term[:80]!a} another meaning than its name")
            self.iris.add(str(iri))
        if not len(dict(named)) == len(named) <= MAX_RDF_ELEMENTS:
            _refuse(f"contexts of its own give a name twice, or more than {MAX_RDF_ELEMENTS}")

    def count(self) -> int:
        """Check all values of the document and return their number."""
        return sum(
            self._count(value, name) for name, value in self.document.items() if name != "@context"
        )

    def _count(self, value: JSON, name: str) -> int:
        # A name with a colon is an IRI or takes part in one, a second spelling of some term; one
        # with @ is syntax.
        if not _TERM.fullmatch(name):
            _refuse(f"the member {name[:80]!a} is not a plain term")
        elements = items_of(value)
        if not 0 < len(elements) <= MAX_RDF_ELEMENTS:
            _refuse(
                f"a list of {pluralize(len(elements), 'element')}, "
                f"where 1 to {MAX_RDF_ELEMENTS} are taken"
            )
        if name == "type" and self.may_name and not all(map(_one_spelling, elements)):
            _refuse("a type of a presentation that could be a term is to be written as one")
        # Of an object that has only an id, expansion leaves what it leaves of a string.
        return sum(self._count_element(element, name) for element in elements) - (name == "id")

    def _count_element(self, value: JSON, name: str) -> int:
        if isinstance(value, dict):
            if value.keys() & LANGUAGE_VALUE:
                self._check_language_value(value)
                return 1
            if "@context" in value:
                return 1 + self._inner_document(value, name).count()
            return 1 + sum(self._count(inner, member) for member, inner in value.items())
        if isinstance(value, str):
            self._check_string(value)
        elif not isinstance(value, int):
            _refuse("a null, a list in a list, or a fraction; RDF drops, merges or rounds them")
        return 1

    def _inner_document(self, value: dict[str, JSON], name: str) -> "_Text":
        # Two places may have a context: the credentials of a presentation, which JSON-LD reads as
        # documents of their own; and an eddsa-jcs-2022 proof, which repeats its document's.
        presented = any(value is c for c in items_of(self.document.get("verifiableCredential")))
        if not presented and (name != "proof" or value["@context"] != self.contexts):
            _refuse("a context inside the document")
        return _Text(value)

    def _check_string(self, text: str) -> None:
        if text in self.iris or (self.vocabularies and text.startswith(self.vocabularies)):
            _refuse(f"{text[:80]!a} has to be written as a term")
        if _CONTROL.search(text):
            _refuse("a string holds control characters")

    def _check_language_value(self, value: dict[str, JSON]) -> None:
        if len(value) < 2 or not is_language_value(value):
            _refuse("a value object is text with a language or a direction, and nothing else")
        self._check_string(str(value["@value"]))


def _last_part(iri: JSON) -> str | None:
    # The plain term that an IRI ends in.
    found = _NAMED.fullmatch(iri) if isinstance(iri, str) else None
    return found[1] if found else None


def _one_spelling(name: JSON) -> bool:
    # A plain term; or an IRI for which nobody can make a term of their own.
    if not isinstance(name, str):
        return False
    return bool(_TERM.fullmatch(name) or (_IRI.fullmatch(name) and _last_part(name) is None))


class _Meanings(NamedTuple):
    # What a known context says, also within its types and members.
    terms: frozenset[str]
    iris: frozenset[str]
    vocabularies: frozenset[str]


@cache
def _meanings(url: str) -> _Meanings:
    terms: set[str] = set()
    iris: set[str] = set()
    vocabularies: set[str] = set()
    pending = [context_document(url)["@context"]]
    while pending:
        for name, meaning in pending.pop().items():
            terms.add(name)
            if name == "@vocab":
                vocabularies.add(meaning)
            elif isinstance(meaning, dict):
                pending.append(meaning)
            elif isinstance(meaning, str) and name != "@type":
                iris.add(meaning)
    return _Meanings(frozenset(terms), frozenset(iris), frozenset(vocabularies))


@cache
def _known() -> frozenset[str]:
    # Every term and IRI that is held: whoever shows a document can add contexts to it.
    held = [_meanings(url) for url in CONTEXTS]
    return frozenset().union(*(each.terms | each.iris for each in held))


def _count_expanded(expanded: list[dict[str, Any]]) -> int:
    """Check all values that are left after expansion and return their number."""
    count = 0
    root: set[str] = set()
    pending = [(node, root) for node in expanded]
    while pending:
        node, described = pending.pop()
        if "@id" in node:
            _check_iri(node["@id"])
            # Two objects of one id are one node: their members could change places unseen.
            if node.keys() - {"@id", "@type"}:
                if node["@id"] in described:
                    _refuse(f"two objects have the id {node['@id'][:80]!a}")
                described.add(node["@id"])
        for name, values in node.items():
            if name == "@type":
                for iri in values:
                    _check_iri(iri)
                count += len(values)
            elif name == "@graph":
                graph: set[str] = set()
                pending += [(inner, graph) for inner in values]
            elif name != "@id":
                _check_iri(name)
                for value in _elements(values):
                    if "@value" not in value:
                        pending.append((value, described))
                    elif value.get("@type") == "@json":
                        count += _count_json(value["@value"]) - 1
                    count += 1
    return count


def _elements(values: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for value in values:
        if "@list" in value:
            yield from value["@list"]
        else:
            yield value


def _count_json(value: JSON) -> int:
    if isinstance(value, list):
        return sum(map(_count_json, value))
    if isinstance(value, dict):
        return 1 + sum(_count_json(inner) for name, inner in value.items() if name != "id")
    return 1


def _check_iri(iri: object) -> None:
    if not isinstance(iri, str) or not _IRI.fullmatch(iri):
        _refuse(f"{str(iri)[:80]!a} is not an absolute IRI, nor a term of the contexts")


def _refuse(reason: str) -> NoReturn:
    raise VerificationError("bad-rdf", f"not to be signed as RDF: {reason}")


@cache
def _load_pyld() -> tuple[Callable[[JSON], list[dict[str, Any]]], Callable[[JSON], bytes]]:
    """Return PyLD's functions to expand and to canonicalize, with our contexts and limits."""
    try:
        from pyld.canon import URDNA2015  # the algorithm that the Recommendation calls RDFC-1.0
        from pyld.context_resolver import ContextResolver
        from pyld.jsonld import JsonLdError, JsonLdProcessor
    except ModuleNotFoundError:
        raise IncompleteError(
            "missing-extra",
            f"{CRYPTOSUITE} cannot be verified without the package PyLD",
            hint="pip install 'lyrikstore[jsonld]'",
        ) from None

    def load(url: str, _options: object) -> dict[str, Any]:
        document = context_document(url)
        return {"contentType": None, "contextUrl": None, "documentUrl": url, "document": document}

    class Bounded(URDNA2015):  # type: ignore[misc]
        work = 0

        def create_hash_to_related(self, id_: str, issuer: object) -> dict[str, list[str]]:
            related: dict[str, list[str]] = super().create_hash_to_related(id_, issuer)
            for alike in related.values():
                self.work += factorial(min(len(alike), 10))
            if self.work > MAX_WORK:
                _refuse("too many objects that look alike")
            return related

    processor = JsonLdProcessor()
    options = {
        "base": None,
        "documentLoader": load,
        "contextResolver": ContextResolver({}, load),  # not the cache that all of PyLD shares
        "processingMode": "json-ld-1.1",
        "rdfDirection": "i18n-datatype",
    }
    failures = (JsonLdError, AttributeError, KeyError, TypeError, ValueError, RecursionError)

    def guarded(work: Callable[[JSON], Any]) -> Callable[[JSON], Any]:
        def run(value: JSON) -> Any:
            try:
                return work(value)
            except failures as error:
                reason = getattr(error, "code", None) or type(error).__name__
                raise VerificationError("bad-rdf", f"not readable as RDF: {reason}") from None

        return run

    def canonicalize(expanded: JSON) -> bytes:
        dataset = processor.to_rdf(expanded, options)
        quads: str = Bounded().main(dataset, {"format": "application/n-quads"})
        return quads.encode()

    return guarded(lambda document: processor.expand(document, options)), guarded(canonicalize)
