"""The formats of checkpoints: which files each has, and whether it needs its base (spec §13.6)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.train.formats import adapter, blend, decoder, embeddings, encoder, word_counts


class Format(Struct, frozen=True):
    """A format of checkpoints.

    Attributes:
        id: Its name and version.
        candidate: The candidate whose checkpoints have this format.
        json_files: Its settings files.
        weight_files: Its weight files.
        needs_base: Whether it needs the weights of its base model to answer.
        generative: Whether it generates text.
    """

    id: str
    candidate: str
    json_files: tuple[str, ...]
    weight_files: tuple[str, ...]
    needs_base: bool
    generative: bool = False

    @property
    def files(self) -> frozenset[str]:
        """All its files."""
        return frozenset((*self.json_files, *self.weight_files))

    def inside(self, folder: str) -> "Format":
        """Return the format with its files in a folder."""
        return replace(
            self,
            json_files=tuple(f"{folder}/{name}" for name in self.json_files),
            weight_files=tuple(f"{folder}/{name}" for name in self.weight_files),
        )

    @property
    def joins(self) -> bool:
        """Whether a blend joins it with word counts."""
        return self.needs_base and not self.generative


def _format(module: Any, candidate: str, *, base: bool = True, generative: bool = False) -> Format:
    files = module.JSON_FILES, module.WEIGHT_FILES
    return Format(module.FORMAT, candidate, *files, base, generative)


_FIRST = Format(
    word_counts.FIRST, "tfidf", word_counts.FIRST_JSON_FILES, word_counts.WEIGHT_FILES, False
)
_SINGLE = (
    _format(word_counts, "tfidf", base=False),
    _format(embeddings, "embeddings"),
    _format(adapter, "lora"),
    _format(encoder, "full"),
    _format(decoder, "decoder", generative=True),
)
FORMATS: Mapping[str, Format] = {one.id: one for one in (*_SINGLE, _FIRST)}
"""Id → format; blends are :func:`blend_of`."""

CANDIDATES: Mapping[str, Format] = {one.candidate: one for one in _SINGLE}
"""Candidate → format, the cheapest first."""

BLEND = blend.FORMAT

TRANSFORMERS, PEFT, FILES = "transformers/1", "peft/1", "files/1"
FOREIGN = (TRANSFORMERS, PEFT, FILES)
"""Formats of external trainers: stored and redistributed, never loaded (spec §13.13.4)."""


def blend_of(other: Format, counts: str = word_counts.FORMAT) -> Format:
    """Return the format of a blend of word counts, in the format ``counts``, and another model."""
    words, second = FORMATS[counts].inside(blend.WORDS), other.inside(blend.OTHER)
    return Format(
        BLEND,
        "blend",
        (blend.SETTINGS, *words.json_files, *second.json_files),
        (*words.weight_files, *second.weight_files),
        True,
    )


def format_of(form: str, files: frozenset[str]) -> Format | None:
    """Return the format of a checkpoint; None if the files are not those of the format."""
    if form == BLEND:
        options = [blend_of(one, at) for one in _SINGLE if one.joins for at in word_counts.KNOWN]
    else:
        options = [FORMATS[form]] if form in FORMATS else []
    return next((one for one in options if one.files == files), None)
