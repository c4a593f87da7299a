"""Language identification by the model in the package py3langid (spec §12.5.24)."""

from collections.abc import Callable
from functools import cache

from lyrikstore.curate.weights import PinnedModel, check_weights, installed_versions

LANGUAGE_MODEL = PinnedModel(
    "py3langid",
    "py3langid",
    "0.4.0",
    "data",
    "bf7941537a5e17785d7b154aaf05be24124e27cfd223a0d5bfae756f03c122a2",
    "BSD-3-Clause",
    "curate",
)
LANGUAGE_PACKAGES = ("numpy", "py3langid")
"""Packages whose version changes the identified languages."""

MAX_CHARACTERS = 10_000
"""Code points of a text that are read; more would cost time without changing the result."""

LEAST_PROBABILITY = 0.5
"""Default probability below which a language counts as unsure."""

IdentifyLanguage = Callable[[str], tuple[str, float]]
"""Returns the code of a text's language, and its probability, up to 1."""


@cache
def open_language_model() -> tuple[IdentifyLanguage, frozenset[str]]:
    """Return the language identifier and the codes it knows (ISO 639); loaded once per process.

    Raises:
        LyrikstoreError: See :func:`check_weights`.
    """
    installed_versions(LANGUAGE_PACKAGES, LANGUAGE_MODEL.extra)
    folder = check_weights(LANGUAGE_MODEL)
    from py3langid.langid import LanguageIdentifier

    model = LanguageIdentifier.from_modelpath(folder / "model.npz.xz", norm_probs=True)

    def identify(text: str) -> tuple[str, float]:
        code, probability = model.classify(text[:MAX_CHARACTERS])
        return str(code), float(probability)

    return identify, frozenset(map(str, model.labels))
