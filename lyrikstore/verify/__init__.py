"""Verification: pure functions from bytes, a trust file and a moment to a report.

Nothing is fetched, and bad input never raises: it is a check that failed.

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
