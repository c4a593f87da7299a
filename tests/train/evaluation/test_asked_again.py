"""Who answers again where an evaluation is verified: what counts words, here and as it was."""

import pytest

from lyrikstore.canon.timestamps import now
from lyrikstore.readers import all_readers
from lyrikstore.train.evaluation import recompute_answers as again
from lyrikstore.verify.store.object import verify_object
from tests.contexts import context_of

pytestmark = pytest.mark.train
NAME = "evaluations/acme/family"


def asked(workshop):
    report = verify_object(
        context_of(workshop.repo, trust=workshop.trust, clock=now),
        workshop.repo.resolve(NAME).id,
        readers=all_readers(),
    )
    check = report.check("evaluation.recomputed")
    assert (report.verdict, check.state) == ("trusted", "pass"), check
    lines = [line for line in report.not_proven if NAME in line]
    assert len(lines) == len(check.detail["notAsked"])
    return check.detail["notAsked"]


def test_a_baseline_is_fitted_again_and_its_encoder_is_named(
    workshop, evaluation, monkeypatch
) -> None:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_info

    fit, threads = LogisticRegression.fit, set()

    def noted(*about):
        blas = (one for one in threadpool_info() if one["user_api"] == "blas")
        threads.update(one["num_threads"] for one in blas)
        return fit(*about)

    monkeypatch.setattr(LogisticRegression, "fit", noted)
    assert evaluation["baseline"]["method"].startswith("TF-IDF")
    assert asked(workshop) == [f"{NAME}: model"]
    assert threads == {1}  # more of them spin, and a verification takes minutes


def test_on_another_machine_no_baseline_is_fitted(workshop, evaluation, monkeypatch) -> None:
    here = again.describe_environment
    elsewhere = {"platform": "Linux; another processor"}
    monkeypatch.setattr(again, "describe_environment", lambda threads: here(threads) | elsewhere)
    assert asked(workshop) == [f"{NAME}: model", f"{NAME}: {evaluation['baseline']['method']}"]


def test_what_would_take_too_long_is_named(workshop, evaluation, monkeypatch) -> None:
    monkeypatch.setattr(again, "MAX_FITTED", 1)
    monkeypatch.setattr(again, "METHOD", "another")
    assert len(asked(workshop)) == 4
