"""Verification: pure functions that turn bytes, a trust file and a moment into a report.

Nothing is fetched. Bad input never raises an exception: it gives a check that failed.

* check: one question with an id, such as ``proof``, and the state in which it ended;
* procedure: the checks of one kind of thing, in order, and what they cannot prove;
* report: the checks of one procedure, their verdict, and what is not proven;
* verdict: ``trusted``, ``valid``, ``incomplete`` or ``invalid``, decided from the checks;
* status updates: what issuers have published about their credentials after issuing them.

Example:
    >>> from lyrikstore.canon.timestamps import now
    >>> from lyrikstore.credentials.model.opened import OpenedCredential
    >>> from lyrikstore.credentials.trust import NOBODY
    >>> from lyrikstore.verify.delivery.delivery import verify_delivery
    >>> nothing = {"siblings": {}, "data": None, "record_ids": None}
    >>> opened = OpenedCredential(b"no JSON")
    >>> report = verify_delivery(opened, **nothing, trust=NOBODY, at=now())
    >>> report.verdict, report.checks[0].id, report.checks[0].state
    (<Verdict.INVALID: 'invalid'>, 'format', <CheckState.FAIL: 'fail'>)
"""
