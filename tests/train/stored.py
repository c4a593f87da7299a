"""The store of a workshop, as tests of runs look at it: its size, and that no check fails."""

from lyrikstore.canon.timestamps import now
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.store.readers import Readers
from lyrikstore.verify.store.store import verify_store
from tests.contexts import context_of


def assert_sound(workshop) -> None:
    report = verify_store(
        context_of(Repository.open(workshop.repo.root), trust=workshop.trust, clock=now),
        readers=Readers(datasets=StoredDatasets()),
    )
    # Tests of reproductions sign runs and checkpoints in this store that say what is false.
    bad = [
        check
        for check in report.checks
        if check.state is CheckState.FAIL and check.id not in {"runs", "checkpoints"}
    ]
    assert not bad, bad


def size(workshop) -> int:
    workshop.repo.refresh()
    return len(workshop.repo.entries())
