"""What the guard refuses the verifier refuses, and what it permits the verifier permits."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lyrikstore.governance.decide import decide_use
from tests.kinds import refused
from tests.verify.rules.stage import RulesStage, found

WAIVABLE = ("core-output-terms", "health-evaluated", "health-residual")
FOUND = st.sampled_from(["present", "absent", "not-evaluated", None])
DRAWN = st.fixed_dictionaries(
    {
        "health": FOUND,
        "method": st.sampled_from(["none", "redacted", "safe-harbor", "guess", None]),
        "agreements": st.lists(st.sampled_from(["baa", "dua"]), max_size=2, unique=True),
        "synthetic": st.sampled_from(["none", "some", None]),
        "permits": st.sampled_from([("train",), ("train", "evaluate"), (), ("evaluate",)]),
        "attested": st.booleans(),
        "residual": st.sampled_from([None, 0, 10, 11]),
        "redacted": st.booleans(),
        "beside": st.booleans(),
        "waived": st.sets(st.sampled_from(WAIVABLE)),
    }
)

PERMITTED = {
    "health": "present",
    "method": None,
    "agreements": [],
    "synthetic": "none",
    "permits": ("train",),
    "attested": True,
    "residual": 10,
    "redacted": True,
    "beside": False,
    "waived": set(),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> RulesStage:
    made = RulesStage(tmp_path_factory.mktemp("agreement"))
    made.add("health")
    return made


def _data(stage: RulesStage, drawn: dict[str, Any]) -> list[Any]:
    """Log data as drawn, with what is said of it; return what is used."""
    stated = {
        "classification": {"phi": drawn["health"]} if drawn["health"] else None,
        "deidentification": {"method": drawn["method"]} if drawn["method"] else None,
        "agreements": drawn["agreements"] or None,
        "synthetic": drawn["synthetic"],
    }
    described = {name: value for name, value in stated.items() if value is not None}
    name = f"notes-{len(stage.repository.entries())}"
    source = used = stage.dataset(name, described=described)
    if drawn["permits"]:
        stage.permit(source, drawn["permits"])
    if drawn["redacted"]:
        used = stage.dataset(f"{name}.redacted", used, steps=("redact/3",))
    if drawn["residual"] is not None:
        used = stage.scanned(used, drawn["residual"], name=f"{name}.scanned")
    if drawn["attested"] and used is not source:
        stage.attest(used)
    for rule in sorted(drawn["waived"]):
        stage.waive(rule, used)
    return [used, source] if drawn["beside"] and used is not source else [used]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(drawn=DRAWN)
@example(drawn=PERMITTED)
@example(drawn={**PERMITTED, "beside": True})
@example(drawn={**PERMITTED, "residual": 11, "waived": {"health-residual"}})
@example(drawn={**PERMITTED, "health": "absent", "attested": False, "residual": None})
def test_the_guard_and_the_verifier_agree(stage: RulesStage, drawn: dict[str, Any]) -> None:
    data = _data(stage, drawn)
    name = f"runs/acme/run-{len(stage.repository.entries())}"
    use = stage.use(*data, name=name)
    decided = decide_use(stage.context(), use)
    assert decided is not None
    if decided.denials:
        with refused("rules-denied"):
            decided.check()
        run = stage.force(*data, decided=stage.forged(*data, name=name), name=name)
        assert found(stage.check(run)) == ("fail", "denied")
        return
    decided.check()
    run = stage.force(*data, decided=decided, name=name)
    lifted = bool(decided.waivers)
    assert found(stage.check(run)) == (("warn", "waived") if lifted else ("pass", None))
