"""The file that describes a program outside the store that generated data (spec §13.15.3)."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.toml import parse_toml
from lyrikstore.curate.commit.inputs import MAX_PROMPT_BYTES, GeneratedBy, OutsideGenerator

MAX_BYTES = 64 << 10
"""Largest size of the file, in bytes."""

MAX_PARAMETERS = 100

_Word = Annotated[str, Meta(min_length=1, max_length=200)]
_Value = Annotated[str, Meta(max_length=2000)] | int | bool


class _GeneratorFile(Struct, frozen=True, forbid_unknown_fields=True):
    name: _Word
    version: _Word
    provider: _Word
    prompts: Annotated[str, Meta(min_length=1, max_length=4096)]
    permits_training: Literal["yes", "no", "unknown"] = "unknown"
    terms: Annotated[str, Meta(max_length=2000)] = ""
    source: Annotated[str, Meta(max_length=400)] = ""
    source_field: Annotated[str, Meta(max_length=200)] = ""
    parameters: Annotated[dict[_Word, _Value], Meta(max_length=MAX_PARAMETERS)] = {}


def read_generator_file(path: Path) -> GeneratedBy:
    """Return the generator that a TOML file describes.

    Args:
        path: The file; it names the file of the prompts relative to its own folder.

    Raises:
        FormatError: (``bad-toml``) no TOML; (``bad-generator``) unknown or missing members, or
            values that are too long.
        NotFoundError, StorageError: A file cannot be read.

    Cost: the prompts are read into memory, at most :data:`MAX_PROMPT_BYTES` and one byte.
    """
    document = parse_toml(
        read_at_most(path, MAX_BYTES + 1), max_bytes=MAX_BYTES, decimal=_decimal_text
    )
    try:
        said = convert(document, _GeneratorFile)
    except ValidationError as error:
        raise FormatError(
            "bad-generator",
            f"{path}: {str(error)[:300]}",
            hint="docs/training.md shows such a file",
        ) from None
    if bool(said.source) is not bool(said.source_field):
        raise FormatError(
            "bad-generator",
            f"{path}: source and source_field go together",
            hint="source names the dataset, source_field the field with places in it",
        )
    # ATTACK: a place outside the folder, so that whoever runs it signs and hands on any file.
    place = Path(said.prompts)
    if place.is_absolute() or ".." in place.parts:
        raise FormatError(
            "bad-generator",
            f"{path}: the prompts are outside its folder",
            hint="copy them beside the file",
        )
    prompts = read_at_most(path.parent / place, MAX_PROMPT_BYTES + 1)
    program = OutsideGenerator(said.name, said.version, said.provider, dict(said.parameters))
    return GeneratedBy(
        "",
        prompts,
        said.terms,
        said.permits_training,
        program,
        said.source,
        said.source_field,
    )


def _decimal_text(value: Decimal) -> Any:
    return f"{value:f}"
