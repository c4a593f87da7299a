"""The texts of all pages, from ``texts.json``; the programs of pages are built with it, too.

A text is named SECTION.KEY and may have places, such as ``{count}``. Sentences about facts that the
command line prints as well are made where both get them, such as ``lyrikstore.verify.report_text``.
"""

import json
from collections.abc import Mapping
from functools import cache

from lyrikstore.canon.files import PACKAGE, read_packaged


def page_text(name: str, /, **places: object) -> str:
    """Return a text of the pages.

    Args:
        name: SECTION.KEY in ``texts.json``.
        places: What stands in its places; each place is given, and nothing else.

    Raises:
        KeyError: There is no such text, or a place is not given.
    """
    section, _, key = name.partition(".")
    found = texts()[section][key]
    return found.format_map(places) if places or "{" in found else found


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Return all texts: section → key → text."""
    found: Mapping[str, Mapping[str, str]] = json.loads(
        read_packaged(PACKAGE / "web" / "texts.json")
    )
    return found
