"""The limits that all verifiers share, one name for each in ``spec/limits.json``.

>>> from lyrikstore.canon.limits import MAX_JSON_DEPTH
>>> MAX_JSON_DEPTH
64
"""

import json

from lyrikstore.canon.files import data_folder, read_packaged

_LIMITS = json.loads(read_packaged(data_folder("spec") / "limits.json"))


def __getattr__(name: str) -> int:
    try:
        value: int = _LIMITS[name]["value"]
    except KeyError:
        raise AttributeError(f"spec/limits.json has no {name}") from None
    return value
