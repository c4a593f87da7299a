"""The baseline that every tuned model is reported next to. Runs in a worker.

Word 1- and 2-grams, TF-IDF, logistic regression with balanced class weights: settings fixed here
and never tuned on anybody's test set.
"""

import time
from collections.abc import Mapping
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from lyrikstore.train.worker.fit import Report
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.metrics import decimal, latency, summarise
from lyrikstore.train.worker.process import peak_memory_bytes
from lyrikstore.train.worker.scoring import all_labels, read_examples
from lyrikstore.train.worker.staging import TEST, TRAIN

METHOD = "TF-IDF of word 1- and 2-grams, logistic regression"


def score_baseline(job: Mapping[str, Any], files: StagedFiles, report: Report) -> dict[str, Any]:
    """Fit on the training records, answer every test record alone, timed.

    Args:
        job: ``seed``.
        files: The staging folder: ``train.jsonl``, ``test.jsonl``.
        report: Called when it is fitted, and per record.

    Returns:
        ``baseline`` as an evaluation holds it. ``cpuSeconds`` and ``wallSeconds`` are those of
        answering; ``params`` has those of fitting.
    """
    train = list(read_examples(files, TRAIN))
    test = list(read_examples(files, TEST))
    started, cpu = time.monotonic(), time.process_time()
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    classifier = LogisticRegression(C=20, max_iter=500, class_weight="balanced", random_state=0)
    features = vectorizer.fit_transform([example["text"] for example in train])
    classifier.fit(features, [example["label"] for example in train])
    fitted, fitted_cpu = time.monotonic(), time.process_time()
    report("baseline", 0, len(test))
    known = [str(label) for label in classifier.classes_]
    names = all_labels(known, test)
    times: list[float] = []
    predicted: list[int] = []
    for number, example in enumerate(test):
        begun = time.perf_counter()
        answer = classifier.predict(vectorizer.transform([example["text"]]))[0]
        times.append((time.perf_counter() - begun) * 1000)
        predicted.append(names.index(str(answer)))
        report("baseline", number + 1, len(test))
    expected = [names.index(example["label"]) for example in test]
    figures = summarise(expected, predicted, names, seed=job["seed"])
    figures |= {
        "method": METHOD,
        "params": {
            "C": "20",
            "classWeight": "balanced",
            "features": len(vectorizer.vocabulary_),
            "fitCpuSeconds": decimal(fitted_cpu - cpu, 1),
            "fitWallSeconds": decimal(fitted - started, 1),
            "maxIterations": 500,
            "minDocuments": 2,
            "ngrams": "1-2",
            "sublinearTf": True,
            "trainRecords": len(train),
        },
        "latencyMs": latency(times),
        "wallSeconds": decimal(time.monotonic() - fitted, 1),
        "cpuSeconds": decimal(time.process_time() - fitted_cpu, 1),
        "peakMemoryBytes": peak_memory_bytes(),
    }
    return {"baseline": figures}
