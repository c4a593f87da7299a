"""Kill -9 at each phase of a run: nothing earlier is lost, nothing half-made is visible."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lyrikstore.objects.io.private_folder import sweep
from tests.sweep import EVERY, thinned
from tests.train.stored import assert_sound

pytestmark = [pytest.mark.train]

SCRIPT = """
import os, signal, sys
from pathlib import Path
from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.run import train_run
from tests.contexts import context_of

root, phase, config = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
owner = signer_for("train owner")

def progress(event):
    if event.phase == phase and event.done in (0, 1):
        os.kill(os.getpid(), signal.SIGKILL)

repository = Repository.open(
    root / ".lyrikstore", memory=LogMemory(root / "state"), log_signer=signer_for("train log")
)
trust = Trust((TrustedIssuer(did=owner.did, nickname="owner"),))
context = context_of(repository, signer=owner, trust=trust, clock=now, progress=progress)
train_run(context, TrainConfig.parse(config.encode()))
"""


@pytest.mark.parametrize(
    ("phase", "announced"),
    thinned(
        [
            ("check", False),
            ("register", False),
            ("start", True),
            ("step", True),
            ("seal", True),
            ("log", True),
        ],
        2,
        ci=EVERY,
    ),
)
def test_kill(workshop, phase, announced):
    root: Path = workshop.root
    repo = workshop.repo
    repo.refresh()
    before = repo.refs
    config = workshop.tiny.replace('acme/tiny"', f'acme/kill-{phase}"')
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(root), phase, config],
        capture_output=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == -9, done.stderr.decode()[-2000:]
    repo.refresh()
    after = repo.refs
    run = {f"runs/acme/kill-{phase}"} if announced else set()
    assert after.keys() - before.keys() == run
    assert all(after[name] == before[name] for name in before)
    # The worker follows its parent; then the next command clears what they left.
    deadline = time.monotonic() + 30
    while workshop.leftovers and time.monotonic() < deadline:
        sweep(repo.root)
        time.sleep(0.2)
    assert not workshop.leftovers


def test_afterwards_the_store_is_sound_and_trains(workshop):
    workshop.train(workshop.tiny.replace('acme/tiny"', 'acme/after"'))
    assert_sound(workshop)
