"""The pages that ``log`` writes: about a run, or about a checkpoint over time."""

from typing import TYPE_CHECKING, Any

from lyrikstore.canon.errors import InvalidInputError

if TYPE_CHECKING:
    from lyrikstore.api import Manifest, Store


def page_over_time(store: "Store", checkpoint: "Manifest") -> bytes:
    """Return the page with the measurements of a checkpoint over time.

    Raises:
        InvalidInputError: (``not-monitored``) It has no monitoring result, or is not a checkpoint.
    """
    from lyrikstore.api.commands import monitor_page
    from lyrikstore.version import __version__

    made = store.query.evaluations_of([checkpoint]).get(checkpoint.id, [])
    if not made or "drift" not in made[-1].body:  # monitors come last
        raise InvalidInputError(
            "not-monitored",
            f"{checkpoint.name} has no monitoring results",
            hint="monitor it first: lyrikstore monitor CHECKPOINT --on NEW",
        )
    statements = [
        {
            "id": str(one.id),
            "created": one.created,
            "data": ", ".join(store.query.data_names(one)),
            "body": one.body,
        }
        for one in made
    ]
    return monitor_page(checkpoint.name, statements, tool=f"lyrikstore {__version__}")


def page_of(store: "Store", manifest: "Manifest") -> bytes:
    """Return the page of a run, or of the measurements of a checkpoint over time.

    Raises:
        InvalidInputError: As :func:`page_over_time`.
    """
    if manifest.kind != "run":
        return page_over_time(store, manifest)
    from lyrikstore.api.commands import run_page
    from lyrikstore.version import __version__

    made = store.query.checkpoints_of([manifest]).get(manifest.id, ())
    final = store.resolve(str(made[-1])) if made else None
    history = store.models.history(final) if final else None
    checkpoint = None if final is None else _facts(final)
    return run_page(_facts(manifest), checkpoint, history, tool=f"lyrikstore {__version__}")


def _facts(manifest: "Manifest") -> dict[str, Any]:
    return {"name": manifest.name, "created": manifest.created, "body": manifest.body}
