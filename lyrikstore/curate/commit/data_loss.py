"""Guard against data loss: what a commit would remove without being told to."""

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
        gone: Their paths.
        before: The tree of the version before.
    """
    return bool(gone) and len(gone) * 5 > before.count(b"\n")


def kept_text(
    current: Manifest | None, stated: CommitMetadata, licence: str | None
) -> Attachment | None:
    """Return the licence text that goes over from ``current``: the one of the same licence.

    Args:
        current: The current version.
        stated: What the successor states.
        licence: Its licence, in its normal form.
    """
    if current is None or licence is None or stated.licence_text is not None:
        return None
    same = current.body.get("licence", {}).get("expression") == licence
    return next(iter(current.attachments_in("licence-text")), None) if same else None


def dropped_metadata(
    current: Manifest | None, stated: CommitMetadata, kept: Attachment | None
) -> tuple[str, ...]:
    """Return what ``current`` states about its files and its successor would not, for people.

    Args:
        current: The current version.
        stated: What the successor states.
        kept: What :func:`kept_text` gave.
    """
    if current is None:
        return ()
    body, lost = current.body, []
    columns = [one for one in body.get("metadata", {}).get("columns", ()) if one != ORIGINAL_PATH]
    if stated.sheet is None and columns:
        lost.append(f"the metadata sheet ({', '.join(columns[:5])})")
    if stated.licence is None:
        old = body.get("licence", {}).get("expression") or body.get("rights", {}).get("asserted")
        lost += [f"the licence ({old})"] if old else []
    elif stated.licence_text is None and kept is None and current.attachments_in("licence-text"):
        lost.append(f"the text of the licence ({body['licence']['expression']})")
    if stated.descriptor is None and (fields := stated_in(body.get("descriptor", {}))):
        lost.append(f"the description ({', '.join(fields[:5])})")
    return tuple(lost)


def check_loss(name: str, gone: Sequence[str], before: bytes, dropped: Sequence[str]) -> None:
    """Return if nothing goes.

    Args:
        name: The dataset's, for messages.
        gone: Paths, if they are too many.
        before: The tree of the version before.
        dropped: What :func:`dropped_metadata` gave.

    Raises:
        InvalidInputError: (``large-loss``) files do; (``unsaid``) statements do.
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
