"""Which tests run in one process, and which begin first."""

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# What sets up something dear, a trained model or a browser, and runs in one process therefore.
TOGETHER = {
    "train": ("tests/train/", "tests/cli/test_impact.py"),
    "browser": ("tests/web/",),
    "deploy": ("tests/deploy/",),
    "peers": ("tests/interop/test_peers.py",),
    "dask": (
        "tests/objects/test_cluster.py",
        "tests/curate/test_commit_on_cluster.py",
        "tests/curate/test_filter_on_cluster.py",
    ),
    "servers": (
        "tests/objects/backends/",
        "tests/api/filesystem/test_remote.py",
        "tests/history/sync/test_sharing.py",
        "tests/history/sync/test_rolled_back.py",
        "tests/history/sync/test_planted_records.py",
    ),
}
_THEN = ("tests/cli/", "tests/publish/", "tests/curate/")
"""Begun after these groups: their files take longest. What is short fills up the end."""


class ByFile(LoadScopeScheduling):
    """Hands out tests file by file, and those that belong together to one process.

    Not ``--dist loadgroup``: pytest-xdist 3.8 marks its groups where pytest 9.2 does not look.
    """

    def _split_scope(self, nodeid: str) -> str:
        for group, places in TOGETHER.items():
            if nodeid.startswith(places):
                return group
        return nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        first = min(self.workqueue, key=_turn)
        self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float = 0
    ) -> None:
        """Note that a test is done, and forget its file when all of it is."""
        super().mark_test_complete(node, item_index, duration)
        # It would count what is left of all files that were ever begun, at every test.
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(self.assigned_work[node][scope].values()):
            del self.assigned_work[node][scope]


def _turn(scope: str) -> int:
    # Of equals the one with most tests is first in the queue.
    if scope in TOGETHER:
        return list(TOGETHER).index(scope)
    places = [at for at, place in enumerate(_THEN) if scope.startswith(place)]
    return len(TOGETHER) + (places[0] if places else len(_THEN))
