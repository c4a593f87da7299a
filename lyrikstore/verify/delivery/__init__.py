"""The checks of a delivery: manifest, files, records, log (spec §11.4).

* sibling file: a file next to the credential: manifest, tree, log proof, licence text;
* manifest: the signed statement that names the root of the delivered files;
* tree: the list of the delivered files with path, size and digest;
* log proof: the proof that the publisher's append-only log contains the manifest;
* line ends: CRLF in place of LF in a text file, reported as the cause of a wrong digest.

Example:
    >>> from lyrikstore.verify.delivery.line_ends import ends_before
    >>> ends_before(found=10, listed=10) is None
    True
"""
