"""Names of monitors: each of one checkpoint alone."""

from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.history.manifests.names import Name
from lyrikstore.train.evaluation.monitor import monitor_name

PARTS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True)


@given(PARTS, st.integers(1, 8))
def test_names_that_begin_alike_have_monitors_of_their_own(part: str, more: int) -> None:
    long = (part * 64)[: 64 - more]
    names = {f"checkpoints/acme/{one}" for one in (long, f"{long[:-1]}_", f"{long}-x"[:64], part)}
    found = {monitor_name(one) for one in names}
    assert len(found) == len(names)
    for one in found:
        assert Name.parse(one)
        assert one.endswith(".monitor")


def test_short_names_stay_as_they_are() -> None:
    assert monitor_name(f"checkpoints/acme/{'a' * 56}") == f"evaluations/acme/{'a' * 56}.monitor"
    assert len(monitor_name(f"checkpoints/acme/{'a' * 57}").rpartition("/")[2]) == 64
