"""Reproductions: runs that are trained again, and compared with their results (spec §13.14).

* Reproduction: a signed statement with a verdict about a run.
* Verdict: ``match``, ``within-tolerance``, ``mismatch`` or ``inconclusive``.
* Tolerances: the greatest differences, which the run declares before training.
* Replay: only randomly drawn segments of the run are trained again.

Example::

    found = reproduce_run(context, "acme/clauses")
    found.verdict, found.environment_differences
"""
