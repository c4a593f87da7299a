"""``lyrikstore show``: one signed object, as a page of text or as JSON."""
