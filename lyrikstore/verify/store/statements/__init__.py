"""Checks of runs, checkpoints and approvals against other signed manifests (spec §11.7).

* announced run: the config that the log contains before the first training step;
* checkpoint statement: labels, limits and results, compared with the run and its files;
* choice: the model candidate that the results of the run lead to, computed again;
* reproduction: the comparison of a repeated run with the signed one;
* segment: a part of a run between two saved states, which can be trained again.

Example:
    >>> from lyrikstore.verify.store.statements.segments import places
    >>> places([10, 10], steps=20)  # step, epoch and batch of each saved state
    [(0, 0, 0), (10, 1, 0), (20, 2, 0)]
"""
