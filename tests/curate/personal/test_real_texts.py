"""Real clauses of contracts: our own recognisers leave the language of the law alone."""

import gzip
import json
from pathlib import Path

import pytest

from lyrikstore.curate.personal.find import find

CLAUSES = Path(__file__).resolve().parents[4] / "shared" / "data" / "cuad-clauses"


@pytest.mark.skipif(not CLAUSES.is_dir(), reason="NOT RUN, ../shared/data is not here")
def test_little_of_contracts_is_masked() -> None:
    with gzip.open(CLAUSES / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    masked = sum(one.end - one.start for text in texts for one in find(text, ["patterns"]))
    assert masked < sum(map(len, texts)) / 100
