"""Description of the comparison of a deployed folder with the sealed model (spec §14.7.4)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize


def compared_in_words(check: Mapping[str, Any] | None) -> str:
    """Return a text about the compared answers of a folder, and the result of the comparison.

    Args:
        check: Member ``check`` of the deployment's body; None: nothing was compared.
    """
    if check is None:
        return "nobody compared its answers with those of the sealed model"
    test = check.get("testPart")
    by = quote(check["servedBy"]) if "servedBy" in check else "what serves it"
    said = f"{by} answered {_share(check)} {'probe text' if check['count'] == 1 else 'probe texts'}"
    if "comparedTokens" in check:
        said += f" ({check['equalTokens']} of {pluralize(check['comparedTokens'], 'token')} alike"
        said += f", {check['closeTokens']} nearly undecided)" if check["closeTokens"] else ")"
    if test is not None:
        records = "record" if test["count"] == 1 else "records"
        said += f" and {_share(test)} {records} of the locked test part"
    said += " as the sealed model does"
    if differing := 0 if test is None else test["count"] - test["agreeing"]:
        said += f", {pluralize(differing, 'record')} otherwise"
    if "greatestDifference" in check:
        each = (one["greatestDifference"] for one in (check, test) if one is not None)
        said += f"; probabilities differ by {max(each, key=Decimal)} at most"
    return said if test is not None else f"{said}; no record of a test part was asked"


def _share(found: Mapping[str, Any]) -> str:
    return f"{found['agreeing']} of {found['count']}"
