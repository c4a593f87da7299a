"""A folder listed and judged in one step, as the tests of both want it."""

from pathlib import Path
from typing import Any

from lyrikstore.curate.scan.listing import Listing
from lyrikstore.curate.scan.scan import Scan, judge


def scan(folder: Path, **options: Any) -> Scan:
    """Return what is in ``folder``; options and errors are those of ``Listing``."""
    with Listing(folder, **options) as listing:
        return judge(listing.finish())
