"""Fetching of the DID documents and status lists that a credential names."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TypeVar

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.text import escape_control
from lyrikstore.credentials.did import KnownDocument
from lyrikstore.web.fetch import Fetcher

MAX_DOCUMENTS = 8
MAX_LISTS = 8


class Fetched(Struct, frozen=True):
    """The documents fetched for one verification.

    Attributes:
        documents: DID documents.
        lists: Status lists, unverified.
    """

    documents: tuple[KnownDocument, ...] = ()
    lists: tuple[bytes, ...] = ()


NOTHING = Fetched()

_T = TypeVar("_T")


def fetch_for(
    documents: Iterable[bytes], say: Callable[[str], None], fetcher: Fetcher | None = None
) -> Fetched:
    """Fetch the documents that credentials and presentations name; report and omit failures.

    Checks that need an omitted document are unchecked, so that no verdict improves.

    Args:
        documents: The documents to verify: a credential with those it rests on, or a presentation.
        say: Called with a line for each fetched document, and for each failure.
        fetcher: The fetcher; only tests replace the default one.
    """
    parsed: list[JSON] = []
    for data in documents:
        with suppress(FormatError):  # the report says so
            parsed.append(parse(data, floats=True, nulls=True))
    using = fetcher or Fetcher()
    dids, urls = _named(parsed)

    def each(names: list[str], get: Callable[[str], _T]) -> Iterator[_T]:
        for name in names:
            try:
                yield get(name)
            except LyrikstoreError as error:
                say(f"! {escape_control(error.message)}")
            else:
                say(f"✓ fetched {escape_control(name)}")

    return Fetched(
        tuple(each(dids[:MAX_DOCUMENTS], using.did_document)),
        tuple(each(urls[:MAX_LISTS], using.status_list)),
    )


def _named(documents: Iterable[JSON]) -> tuple[list[str], list[str]]:
    """Return the did:web DIDs of issuers and signers, and the URLs of status lists."""
    dids: dict[str, None] = {}
    urls: dict[str, None] = {}
    inside = [[one, *_listed(one, "verifiableCredential")] for one in documents]
    for credential in (one for several in inside for one in several):
        texts = [_text(credential, "issuer"), _text(credential, "holder")]
        texts += [
            _text(proof, "verificationMethod").partition("#")[0]
            for proof in _listed(credential, "proof")
        ]
        dids |= dict.fromkeys(text for text in texts if text.startswith("did:web:"))
        lists = (
            _text(entry, "statusListCredential")
            for entry in _listed(credential, "credentialStatus")
        )
        urls |= dict.fromkeys(url for url in lists if url)
    return list(dids), list(urls)


def _listed(value: JSON, member: str) -> list[JSON]:
    found = value.get(member, []) if isinstance(value, dict) else []
    return found if isinstance(found, list) else [found]


def _text(value: JSON, member: str) -> str:
    found = value.get(member) if isinstance(value, dict) else None
    if isinstance(found, dict):
        found = found.get("id")
    return found if isinstance(found, str) else ""
