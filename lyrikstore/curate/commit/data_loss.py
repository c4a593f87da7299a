"""Guard against data loss: the files and metadata that a commit would drop without ``--yes``."""

from collections.abc import Sequence

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.text import pluralize
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.descriptor import stated_in
from lyrikstore.curate.scan.mapping import ORIGINAL_PATH
from lyrikstore.history.manifests.manifest import Attachment, Manifest


def is_large(gone: Sequence[str], before: bytes) -> bool:
    """Return whether more than a fifth of the files are gone.

    Args:
        gone: The paths of the files that are gone.
        before: The bytes of the previous version's tree.
    """
    return bool(gone) and len(gone) * 5 > before.count(b"\n")


def kept_text(
    current: Manifest | None, stated: CommitMetadata, licence: str | None
) -> Attachment | None:
    """Return the licence text that the new version keeps from ``current``, or None.

    The text is kept if both versions have the same licence and the new one states no text.

    Args:
        current: The current version.
        stated: The metadata of the new version.
        licence: The new version's licence, in its normal form.
    """
    if current is None or licence is None or stated.licence_text is not None:
        return None
    same = current.body.get("licence", {}).get("expression") == licence
    return next(iter(current.attachments_in("licence-text")), None) if same else None


def dropped_metadata(
    current: Manifest | None, stated: CommitMetadata, kept: Attachment | None
) -> tuple[str, ...]:
    """Return the metadata of ``current`` that the new version would not state, as phrases.

    Args:
        current: The current version.
        stated: The metadata of the new version.
        kept: The licence text that :func:`kept_text` returned.
    """
    if current is None:
        return ()
    body, dropped = current.body, []
    columns = [key for key in body.get("metadata", {}).get("columns", ()) if key != ORIGINAL_PATH]
    if stated.sheet is None and columns:
        dropped.append(f"the metadata sheet ({', '.join(columns[:5])})")
    if stated.licence is None:
        old = body.get("licence", {}).get("expression") or body.get("rights", {}).get("asserted")
        dropped += [f"the licence ({old})"] if old else []
    elif stated.licence_text is None and kept is None and current.attachments_in("licence-text"):
        dropped.append(f"the text of the licence ({body['licence']['expression']})")
    if stated.descriptor is None and (fields := stated_in(body.get("descriptor", {}))):
        dropped.append(f"the description ({', '.join(fields[:5])})")
    return tuple(dropped)


def check_loss(name: str, gone: Sequence[str], before: bytes, dropped: Sequence[str]) -> None:
    """Raise `large-loss` or `unsaid` if a commit would drop many files, or metadata.

    Args:
        name: The dataset's name, for messages.
        gone: Paths of the files that are gone, if they are too many; else empty.
        before: The bytes of the previous version's tree.
        dropped: The phrases that :func:`dropped_metadata` returned.

    Raises:
        InvalidInputError: (``large-loss``) ``gone`` is not empty; (``unsaid``) ``dropped`` is not
            empty.
    """
    if gone:
        files = before.count(b"\n")
        raise InvalidInputError(
            "large-loss",
            f"{name}: {len(gone)} of "
            f"{pluralize(files, 'file is', 'files are')} gone, such as {gone[0]}",
            hint="add --yes if they are meant to leave the dataset",
            details={"removed": list(gone[:1000]), "count": len(gone)},
        )
    if dropped:
        raise InvalidInputError(
            "unsaid",
            f"{name}: the version before states {' and '.join(dropped)}; this one would not",
            hint="give --metadata, --licence, --licence-text or --describe again (lyrikstore "
            "checkout NAME FOLDER --metadata SHEET writes the sheet), or add --yes if that is "
            "meant to leave",
            details={"unsaid": list(dropped)},
        )
