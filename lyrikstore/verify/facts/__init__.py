"""Facts that rules read, computed from signed objects as of a log index (spec §21.7).

* Resource: one partition of a source dataset as a use reads it, or a model.
* Fact: a value of a resource with a name and type of the schema; never a default.
* Evidence: ids of the manifests and credentials from which the facts follow.
* As of: facts follow from the log entries before an index; time is the latest date among these.
* Sentinel: the value of a fact that nothing measured: ``unknown``, ``not-evaluated``, -1.

Example:
    >>> from lyrikstore.verify.facts.resource import worst_of
    >>> worst_of(["absent", "present"], ["present", "not-evaluated", "absent"])
    'present'
"""
