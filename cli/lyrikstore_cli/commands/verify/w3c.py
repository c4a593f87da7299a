"""Verifying what others issued: a credential or presentation of profile ``w3c``."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.options import read_file

if TYPE_CHECKING:
    from lyrikstore.credentials.did import KnownDocument
    from lyrikstore.credentials.trust import Trust
    from lyrikstore.verify.report import Report

MAX_FILES = 1000


class Asked(Struct, frozen=True):
    """What the user said about a foreign document.

    Attributes:
        resources: ``FILE``, ``FOLDER`` or ``URL=FILE``.
        challenge: What the user gave a holder to be signed.
        domain: The user's own name in it.
        fetch: Whether to fetch what the document names.
    """

    resources: tuple[str, ...] = ()
    challenge: str | None = None
    domain: str | None = None
    fetch: bool = False

    def __bool__(self) -> bool:
        return bool(self.resources) or self.of_presentation

    @property
    def of_presentation(self) -> bool:
        """Whether a presentation is wanted: an empty answer is one that was asked for."""
        return self.challenge is not None or self.domain is not None


def verify_foreign(
    data: bytes,
    *,
    siblings: Mapping[str, bytes],
    status_files: Iterable[bytes],
    asked: Asked,
    trust: "Trust",
    at: datetime,
    fetched: "Sequence[KnownDocument]" = (),
) -> "Report":
    """Return the report on a document of profile ``w3c``.

    Args:
        data: The document.
        siblings: The sibling files: status lists, DID documents, schemas.
        status_files: Newer status lists.
        asked: What the user said.
        trust: Whom the user believes.
        at: The moment to judge for.
        fetched: DID documents that came from where their DIDs say.
    """
    from lyrikstore.credentials.did import Resolver, documents_among
    from lyrikstore.verify.credential.status import Notices
    from lyrikstore.verify.w3c.presentation import is_presentation, verify_presentation
    from lyrikstore.verify.w3c.resources import Resources
    from lyrikstore.verify.w3c.verify import Surroundings, verify_w3c

    around = Surroundings(
        trust=trust,
        at=at,
        resolver=Resolver(
            (*trust.known_documents(), *fetched, *documents_among(siblings.values()))
        ),
        notices=Notices.among((*siblings.values(), *status_files), fetched),
        resources=Resources(read_resources(asked.resources), siblings.values()),
    )
    if asked.of_presentation or is_presentation(data):
        return verify_presentation(data, around, challenge=asked.challenge, domain=asked.domain)
    return verify_w3c(data, around)


def read_resources(named: Iterable[str]) -> dict[str, bytes]:
    """Return the files that ``--resource`` names: name or URL → bytes.

    Raises:
        InvalidInputError: (``too-many-files``) a folder with more than :data:`MAX_FILES`;
            (``unreadable``) see :func:`read_file`.
    """
    found: dict[str, bytes] = {}
    for text in named:
        path = Path(text)
        url, separator, file = text.rpartition("=")
        if path.is_dir():
            inside = [one for one in sorted(path.iterdir()) if one.is_file()]
            if len(inside) > MAX_FILES:  # one left out could be what the document is judged by
                raise InvalidInputError(
                    "too-many-files",
                    f"{path} holds {pluralize(len(inside), 'file')}; at most {MAX_FILES} are read",
                    hint="name a folder that holds what the document names, or URL=FILE",
                )
            found |= {str(one): read_file(one) for one in inside}
        elif separator and ":" in url and not path.exists():
            found[url] = read_file(Path(file))
        else:
            found[text] = read_file(path)
    return found
