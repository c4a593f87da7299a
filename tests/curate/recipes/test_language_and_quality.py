"""Languages told and kept, a model that is missing, and bounds on texts that law firms have."""

import pytest

from lyrikstore.canon.errors import IncompleteError, InvalidInputError
from lyrikstore.curate import language, weights
from lyrikstore.curate.recipes.filters.contract import Drop, FieldReport, Keep
from tests.curate.conftest import Bench
from tests.curate.tried import decided, document, row, step

TEXTS = {
    "en": "This Agreement shall be governed by the laws of the State of New York.",
    "de": "Dieser Vertrag unterliegt deutschem Recht.",
    "fr": "Le présent contrat est régi par le droit français.",
}
CONTRACT = """1. Term. This Agreement begins on the date of the last signature and continues for \
two years, unless it is terminated earlier as provided below.
2. Payment. The Client shall pay all invoices within thirty days of receipt. Late payments bear \
interest of one percent for each month.
3. Confidentiality. Each party shall keep the information of the other party secret, and shall use \
it for no purpose but that of this Agreement.
4. Governing Law. This Agreement is governed by the laws of the State of Delaware, and the courts \
of that State have exclusive jurisdiction.
"""


def said(toml: str, text: str):
    (outcome,) = decided(step(toml), row(text=text))
    return outcome


def test_languages_are_identified_and_kept() -> None:
    for code, text in TEXTS.items():
        (found,) = said('use = "language/1"', text).reports
        assert found == FieldReport(f"language-{code}")
        kept = said('use = "language/1"\nkeep = ["en", "fr"]', text)
        assert kept == (Drop("language-de") if code == "de" else Keep())
    (outcome,) = decided(step('use = "language/1"\nkeep = ["de"]'), document(TEXTS["de"]))
    assert outcome == Keep()


def test_what_is_too_short_to_identify_stays_by_default() -> None:
    for text in ("OK", "12345", "", "Fee"):
        unsure = Keep(reports=(FieldReport("language-unsure"),))
        assert said('use = "language/1"\nkeep = ["en"]', text) == unsure
        gone = said('use = "language/1"\nkeep = ["en"]\nunsure = "drop"', text)
        assert gone == Drop("language-unsure")
    assert (
        said('use = "language/1"\nkeep = ["de"]\nleast = 0', "Rent is due").reason == "language-en"
    )


def test_the_model_is_named_and_only_this_one_is_taken(monkeypatch, tmp_path) -> None:
    filter_ = step('use = "language/1"')
    (model,) = filter_.models()
    assert model["name"] == "py3langid"
    assert model["digest"].startswith("blake3:")
    assert set(filter_.libraries()) == {"numpy", "py3langid"}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.npz.xz").write_bytes(b"other")

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    for found, kind in ((lambda _: None, "no-detector"), (lambda _: Spec, "other-weights")):
        language.open_language_model.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(weights, "find_spec", found)
            with pytest.raises(IncompleteError) as error:
                filter_.start()
        assert error.value.kind == kind
        assert "pip install" in error.value.hint
    language.open_language_model.cache_clear()


def test_codes_that_are_none() -> None:
    with pytest.raises(InvalidInputError):
        step('use = "language/1"\nkeep = ["English"]')
    with pytest.raises(InvalidInputError) as error:
        step('use = "language/1"\nkeep = ["xx"]').start()
    assert error.value.kind == "bad-recipe"


def test_a_contract_of_four_clauses_has_nothing_unusual() -> None:
    assert said('use = "quality/1"', CONTRACT) == Keep()
    assert said('use = "quality/1"', CONTRACT.replace("\n", " ")) == Keep()
    (clause,) = said('use = "quality/1"', CONTRACT * 3).reports[:1]
    assert clause.reason == "quality-repeated-lines"


def test_only_what_is_named_drops() -> None:
    text = "# # # # #"
    reasons = [one.reason for one in said('use = "quality/1"', text).reports]
    assert reasons == ["quality-few-letters", "quality-symbols"]
    gone = said('use = "quality/1"\ndrop = ["symbols"]', text)
    assert gone == Drop("quality-symbols", "1.000")
    for wrong in ('drop = ["prose"]', "most_symbols = 2", "least_words = -1", 'least_words = "x"'):
        with pytest.raises(InvalidInputError):
            step(f'use = "quality/1"\n{wrong}')


def test_a_million_words_have_their_answer() -> None:
    # What compares words with words, here 10¹² times, does not end while the run does.
    text = "a b c d " * 250_000
    found = {one.reason: one.detail for one in said('use = "quality/1"', text).reports}
    assert found == {
        "quality-many-words": "1000000",
        "quality-short-words": "1.000",
        "quality-stop-words": "0",
        "quality-repeated-5-grams": "0.999",
        "quality-long-line": "1999999",
    }
    unsure = FieldReport("language-unsure")
    assert said('use = "language/1"', text).reports == (unsure,)
    begun = TEXTS["de"] * (language.MAX_CHARACTERS // len(TEXTS["de"]) + 1)  # all that is looked at
    assert said('use = "language/1"', begun + TEXTS["en"] * 10_000).reports == (
        FieldReport("language-de"),
    )


def test_the_manifest_names_the_model_and_the_counts_add_up(bench: Bench) -> None:
    bench.write({f"{code}.txt": text for code, text in TEXTS.items()} | {"short.txt": "OK"})
    bench.commit()
    recipe = 'recipe = 1\n[[step]]\nuse = "language/1"\n'
    result = bench.filter(recipe)
    assert result.reported == {f"language-{code}": 1 for code in TEXTS} | {"language-unsure": 1}
    assert result.counts[""]["kept"] == 4
    body = result.filter.body
    assert [model["name"] for model in body["models"]] == ["py3langid"]
    assert body["cpu"]
    assert set(body["libraries"]) == {"numpy", "py3langid"}
    kept = bench.filter(recipe + 'keep = ["de", "en"]\n', to="acme/kept")
    assert kept.dropped == {"language-fr": 1}
    assert kept.counts[""] | {"kept": 3, "dropped": 1} == kept.counts[""]
    quality = bench.filter('recipe = 1\n[[step]]\nuse = "quality/1"\n', to="acme/odd")
    assert quality.reported == {"quality-few-words": 1}
    assert "models" not in quality.filter.body
