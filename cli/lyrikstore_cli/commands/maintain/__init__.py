"""``lyrikstore maintain``: the derived index, and the JSON Schemas of results and files."""
