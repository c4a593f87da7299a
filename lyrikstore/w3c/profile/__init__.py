"""Foreign credentials and presentations: data model, verification, signing (spec §17.3).

* **data model**: the members that the VC Data Model 2.0 requires of a document.
* **envelope**: a document that wraps a credential of another securing mechanism; it is not opened.
* **status entry**: where a credential has its value in a Bitstring Status List.
* **resource**: a schema or other file that a credential names and pins by digest.
* **surroundings**: all inputs of verification besides the document.

Example:
    >>> from lyrikstore.w3c.profile.resources import Resources
    >>> Resources({"https://acme.example/a.json": b"{}"}).files
    (b'{}',)
"""
