"""The licence texts of a credential, each with the name of its licence (spec §14.2)."""

from collections.abc import Iterator, Mapping

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError, NotFoundError
from lyrikstore.credentials.model.credential import DATASET
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.claim import own_ids, text_name
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository

MAX_LICENCE_BYTES = 16 << 20


def licence_texts(
    repository: Repository, manifest: Manifest, offer: Offer
) -> list[tuple[str | None, bytes, str]]:
    """Return the licence texts of an offer, each as (name of the licence, text, file name).

    A text that neither the version nor the offer has is taken from the datasets it was made from.

    Args:
        repository: The store.
        manifest: The dataset version.
        offer: The terms and statements about it.

    Raises:
        NotFoundError: (``no-licence-text``) the version names a text that is not in the store.
    """
    texts: list[tuple[str | None, bytes, str]] = []
    stated: Mapping[str, str] = manifest.body.get("licence", {})
    expression = stated.get("expression")
    if "textDigest" in stated:
        try:
            data = _read(repository, Digest.parse(stated["textDigest"]))
        except NotFoundError:
            raise NotFoundError(
                "no-licence-text",
                f"{manifest.name} names a licence text that is not in the store",
                hint="commit it again with the licence text",
            ) from None
        texts.append((text_name(expression), data, "LICENCE.txt"))
    known = {data for _, data, _ in texts}
    texts += [(name, data, _file(name)) for name, data in offer.texts if data not in known]
    wanted = own_ids(expression).union(*(own_ids(part.licence) for part in offer.terms.partitions))
    wanted -= {name for name, _, _ in texts}
    known = {data for _, data, _ in texts}
    for name, digest in dict.fromkeys(_of_sources(repository, manifest, wanted)):
        data = _read(repository, digest)
        if data not in known:
            known.add(data)
            before = [one for one, _, _ in texts].count(name)
            texts.append((name, data, _file(f"{name}-{before + 1}" if before else name)))
    return texts


def _of_sources(
    repository: Repository, manifest: Manifest, wanted: frozenset[str]
) -> Iterator[tuple[str, Digest]]:
    """Yield (licence, digest of a text) for the wanted licences, from the sources of a dataset.

    Two sources may mean different licences by one name: all of their texts are yielded. If a source
    was committed without its text, that of the current version of its name is used.
    """
    pending, seen = list(manifest.made_from) if wanted else [], set[Digest]()
    for identity in pending:  # grows while it is read
        if identity in seen:
            continue
        seen.add(identity)
        try:
            source = repository.manifest(identity)
            texts = list(_texts_of(repository, source))
            if not wanted.intersection(name for name, _ in texts):
                current = repository.refs.get(source.name)
                texts = (
                    list(_texts_of(repository, repository.manifest(current.id))) if current else []
                )
        except LyrikstoreError:  # the text stays missing, and issuing reports it
            continue
        yield from (text for text in texts if text[0] in wanted)
        pending += source.made_from


def _texts_of(repository: Repository, version: Manifest) -> Iterator[tuple[str, Digest]]:
    # ATTACK A111: a publisher names a file that only the buyer has as the text of a licence.
    attached = {one.id for one in version.attachments_in("licence-text")}
    stated = version.body.get("licence", {})
    named = [(text_name(stated.get("expression")), stated.get("textDigest"))]
    found = [(name, Digest.parse(text)) for name, text in named if text is not None]
    for foreign in version.attachments_in("foreign-credential"):
        claims = OpenedCredential(_read(repository, foreign.id)).claims_as(DATASET)
        texts = {} if claims is None else claims.terms.texts
        found += [(name, digest) for digest, name in texts.items()]
    yield from ((name, text) for name, text in found if name is not None and text in attached)


def _read(repository: Repository, digest: Digest) -> bytes:
    return repository.blobs.read(digest, max_bytes=MAX_LICENCE_BYTES)


def _file(name: str) -> str:
    plain = "".join(c if c.isalnum() or c in "-." else "_" for c in name)
    return f"LICENCE-{plain}.txt"
