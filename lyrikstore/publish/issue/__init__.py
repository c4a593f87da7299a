"""Issuing credentials, attestations and grants; writing deliveries (spec §14.1).

* **dataset credential**: the signed terms and measured claims about one dataset version.
* **delivery**: a folder with that credential, the data, and the files that its verifier needs.
* **grant**: a licence for a named holder under the terms of a dataset credential.
* **attestation**: a signed finding of another party about a dataset, a model or its card.
* **first publisher**: the publisher of imported data that a dataset rests on.

Example:
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from lyrikstore.publish.issue.atomic_folder import building, put_in_place, write_files
    >>> with TemporaryDirectory() as place, building(Path(place) / "delivery") as folder:
    ...     write_files(folder, {"credential.json": b"{}"})
    ...     put_in_place(folder, Path(place) / "delivery")
    ...     [path.name for path in (Path(place) / "delivery").iterdir()]
    ['credential.json']
"""
