"""What tests of deliveries read in a report: the state of each check, and its reason."""

from typing import Any

from lyrikstore.verify.report import Report

Delivery = Any
Publisher = Any


def states(report: Report) -> dict[str, str]:
    return {check.id: str(check.state) for check in report.checks}


def reason(report: Report, check: str) -> Any:
    return report.check(check).detail.get("reason")
