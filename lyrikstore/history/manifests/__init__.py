"""Manifests: signed statements about versions, their kinds and names (spec/06-manifests.md).

* manifest: a signed JSON document about one version: files, inputs, author, date;
* kind: what a manifest is about, such as ``dataset``, ``run`` or ``checkpoint``;
* name: the ref that a manifest moves, such as ``datasets/acme/contracts``;
* input: a manifest that another one was made from, with its role;
* REF: a name, a name with steps back (``acme/contracts~1``), or the start of an id.

Example:
    >>> from lyrikstore.history.manifests.names import parse_name
    >>> str(parse_name("acme/contracts"))
    'datasets/acme/contracts'
"""
