"""Real clauses of contracts: our own recognisers leave the language of the law alone."""

import gzip
import json

from lyrikstore.curate.personal.find import find
from tests.shared_data import DATA, needs_data


@needs_data
def test_little_of_contracts_is_masked() -> None:
    with gzip.open(DATA / "cuad-clauses" / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    masked = sum(one.end - one.start for text in texts for one in find(text, ["patterns"]))
    assert masked < sum(map(len, texts)) / 100
