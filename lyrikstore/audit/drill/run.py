"""The drill: one attack after another, each on a copy that nobody attacked before."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

from lyrikstore.audit.drill import on_copy, on_example
from lyrikstore.audit.drill.attack import CAUGHT, MISSED, Attack, AttackOutcome, Target, attempt
from lyrikstore.audit.drill.copy import StoreCopy
from lyrikstore.audit.drill.example import ExampleStore
from lyrikstore.canon.errors import VerificationError
from lyrikstore.canon.progress import Progress
from lyrikstore.context import StoreContext
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.store import verify_store_at


class Drill(Struct, frozen=True):
    """The result of a drill.

    Attributes:
        on_copy: The attacks on a copy of the user's store, without a key.
        on_example: The attacks on an example store, also by its owner.
        seconds: How long it took.
    """

    on_copy: tuple[AttackOutcome, ...]
    on_example: tuple[AttackOutcome, ...]
    seconds: float

    @property
    def outcomes(self) -> tuple[AttackOutcome, ...]:
        """Every attack, in order."""
        return self.on_copy + self.on_example

    def count(self, state: str) -> int:
        """Return how many attacks have a state."""
        return sum(one.state == state for one in self.outcomes)

    @property
    def is_passed(self) -> bool:
        """Whether attacks were caught, and none was missed."""
        return self.count(CAUGHT) > 0 and self.count(MISSED) == 0


def run_drill(context: StoreContext) -> Drill:
    """Attack a copy of a store, and an example store; return which attacks were caught.

    The store is only read, no key of the user is used, and nothing is remembered of the copy.

    Args:
        context: The store, and the trust of whoever asks; progress is said per attack.

    Raises:
        VerificationError: (``not-verified``) the store is invalid before any attack.
        StorageError: (``disk-full``) there is no space for the copy; or another storage error.

    Cost: a copy of the store in the folder for temporary files (packs are linked where the file
    system can), three reads of its packs, and about ten seconds for the example store.
    """
    started = time.monotonic()
    total = len(on_copy.ATTACKS) + len(on_example.ATTACKS)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        context.progress(Progress(done, total, phase="attacking"))

    with tempfile.TemporaryDirectory(prefix="lyrikstore-drill-") as temporary:
        folder = Path(temporary)
        first = tuple(_attack_copy(context, folder, step))
        example = ExampleStore(folder)
        example.build()
        second = tuple(_attack(on_example.ATTACKS, example, example.verify, example.restore, step))
    return Drill(first, second, time.monotonic() - started)


def _attack(
    attacks: tuple[Attack[Target], ...],
    target: Target,
    verify: Callable[[str], Report],
    restore: Callable[[], None],
    step: Callable[[], None],
) -> Iterator[AttackOutcome]:
    unattacked = cache(verify)
    for attack in attacks:
        try:
            yield attempt(attack, target, verify, unattacked)
        finally:
            restore()
        step()


def _attack_copy(
    context: StoreContext, folder: Path, step: Callable[[], None]
) -> Iterator[AttackOutcome]:
    copy = StoreCopy(context.repository.root, folder / "copy")
    trust, at = context.trust, context.clock()

    def verify(subject: str) -> Report:
        # The memory of this user is left alone: it would remember a copy.
        memory = LogMemory(folder / "memory")
        share = 1 if subject == on_copy.BYTES else 0
        return verify_store_at(copy.root, trust=trust, at=at, memory=memory, share=share)

    report = verify(on_copy.BYTES)
    if report.verdict == "invalid":
        raise VerificationError(
            "not-verified",
            "the store is invalid before any attack",
            hint="lyrikstore verify",
        )
    yield from _attack(on_copy.ATTACKS, copy, verify, copy.restore, step)
