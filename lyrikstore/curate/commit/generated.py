"""Data that a model of this store wrote: generator, prompt and output terms (spec §13.15.3)."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.commit.inputs import MAX_PROMPT_BYTES, GeneratedBy
from lyrikstore.curate.commit.statement import Statement
from lyrikstore.history.manifests.manifest import Attachment, Input
from lyrikstore.history.repository.repository import Repository

_ROLE = "prompt"


def check_generated(repository: Repository, name: str, made: GeneratedBy) -> None:
    """Return if this can be said of a version.

    Args:
        repository: The store.
        name: Full name of the version.
        made: What is said.

    Raises:
        InvalidInputError: (``bad-generator``) what is said to have written it is no checkpoint, or
            the version is no dataset; (``bad-prompts``) no prompts, or more than 16 MiB.
        NotFoundError: There is no such checkpoint.
    """
    if repository.resolve(made.checkpoint).kind != "checkpoint":
        raise InvalidInputError(
            "bad-generator",
            f"{made.checkpoint} is no checkpoint",
            hint="name the model: --generated-by checkpoints/NAMESPACE/NAME",
        )
    if not name.startswith("datasets/"):
        raise InvalidInputError(
            "bad-generator",
            f"{name} is no dataset, and a model writes data",
            hint="name it as -d NAMESPACE/NAME",
        )
    if not 0 < len(made.prompts) <= MAX_PROMPT_BYTES:
        raise InvalidInputError(
            "bad-prompts",
            "there are no prompts" if not made.prompts else "the prompts are longer than 16 MiB",
            hint="--prompts takes the file that the model was asked with, or its template",
        )


def as_generated(
    repository: Repository,
    statement: Statement,
    made: GeneratedBy,
    attach: Callable[[str, bytes], Attachment],
) -> Statement:
    """Return a statement of committed data as one of data that a model wrote.

    Args:
        repository: The store.
        statement: What the commit would say.
        made: As :func:`check_generated` found it good.
        attach: Given a role and bytes, returns the attachment that names them.
    """
    generator = repository.resolve(made.checkpoint)
    prompt = attach(_ROLE, made.prompts)
    told: dict[str, Any] = {
        "name": generator.name,
        "checkpoint": str(generator.id),
        "prompt": str(prompt.id),
        "outputTerms": {
            **({"ref": made.terms} if made.terms else {}),
            "permitsTraining": made.permits_training,
        },
    }
    return replace(
        statement,
        body={**statement.body, "origin": "generated", "generators": [told]},
        inputs=[Input("generator", "checkpoint", generator.id)],
        attachments=[*statement.attachments, prompt],
    )
