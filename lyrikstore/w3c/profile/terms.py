"""Checks of the contexts and types of a foreign document (spec §17.3).

Contexts are not processed, only inspected as far as a MUST of the data model needs it. Whether a
term is defined can be determined if every context is bundled or inline; an unknown context may
define any term.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from lyrikstore.canon.json import JSON, encode
from lyrikstore.canon.text import WHITE_SPACE
from lyrikstore.credentials.model.credential import VC_CONTEXT
from lyrikstore.w3c.contexts import CONTEXTS, context_document
from lyrikstore.w3c.values import is_url, items_of, refuse

_NO_TERM = re.compile(rf"[:\x1c-\x1f{WHITE_SPACE}]")
_ABOUT_ALL = {"@version", "@vocab", "@protected", "@language", "@direction"}


def check_contexts(stated: JSON) -> None:
    """Raise ``bad-credential`` unless ``stated`` is a valid ``@context`` of the data model (M1).

    The first context must be the credentials context; the others are URLs, or objects that map
    terms to URLs and redefine no protected term.

    Raises:
        FormatError: (``bad-credential``) the context violates the data model.
    """
    contexts = items_of(stated)
    if not contexts or contexts[0] != VC_CONTEXT:
        refuse("@context", f"does not begin with {VC_CONTEXT}")
    protected = _own(context_document(VC_CONTEXT)["@context"])
    for context in contexts[1:]:
        if isinstance(context, dict):
            _check_inline(context, protected)
            if context.get("@protected") is True:
                protected |= _own(context)
        elif not is_url(context):
            refuse("@context", "an item is neither a URL nor an object")


def check_types(contexts: JSON, types: Iterable[str]) -> None:
    """Raise ``bad-credential`` unless every type is a URL or a term that a context defines (M3).

    With an unknown context, every term counts as defined.

    Raises:
        FormatError: (``bad-credential``) a type is neither a URL nor a defined term.
    """
    names = [name for name in types if not is_url(name)]
    for name in names:
        if _NO_TERM.search(name):
            refuse("type", f"{name[:80]!a} is neither a term nor a URL")
    defined: set[str] = set()
    for context in items_of(contexts):
        if isinstance(context, dict):
            found = _terms(context)
        else:
            found = _terms_of(context) if context in CONTEXTS else None
        if found is None:
            return
        defined |= found
    for name in names:
        if name not in defined:
            refuse("type", f"no context defines {name[:80]!a}")


def _check_inline(context: Mapping[str, JSON], protected: Mapping[str, JSON]) -> None:
    for name, definition in context.items():
        if name.startswith("@"):
            if name not in _ABOUT_ALL:  # @import fetches, @base moves every relative URL
                refuse("@context", f"{name[:80]!a} is not taken in an inline context")
            continue
        if name in protected and encode(protected[name]) != encode(definition):
            refuse("@context", f"redefines the protected term {name[:80]!a}")
        target = definition.get("@id", name) if isinstance(definition, dict) else definition
        if target is None or (isinstance(definition, dict) and "@id" not in definition):
            continue
        if not isinstance(target, str) or not (is_url(target) or target.startswith("@")):
            refuse("@context", f"maps {name[:80]!a} to something that is not a URL")


def _own(context: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in context.items() if not name.startswith("@")}


@cache
def _terms_of(url: str) -> frozenset[str] | None:
    return _terms(context_document(url)["@context"])


def _terms(context: JSON) -> frozenset[str] | None:
    # Including terms that are defined only within a type or property: rather too many than too few.
    terms: set[str] = set()
    pending = [context]
    while pending:
        inner = pending.pop()
        if isinstance(inner, list):
            pending.extend(inner)
        elif isinstance(inner, str):  # a context that includes another one
            return None
        elif isinstance(inner, dict):
            if inner.get("@vocab"):
                return None
            terms |= _own(inner).keys()
            scoped = (value for value in inner.values() if isinstance(value, dict))
            pending.extend(value["@context"] for value in scoped if "@context" in value)
    return frozenset(terms)
