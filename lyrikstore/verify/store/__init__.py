"""The checks of a whole store and of the objects in it (spec §11.5).

* store report: the checks of log, packs, refs, manifests and their statements;
* object report: the checks of one object and of everything that it was made from;
* ancestry: the manifests that an object was made from, back to its sources;
* test set: the data of an evaluation, which no training may have used;
* recomputed answer: an answer that the model gives again, compared with the signed one.

Example:
    >>> from lyrikstore.verify.store.test_sets import is_mostly_seen, is_partly_seen
    >>> is_mostly_seen(9, 10), is_partly_seen(0, 10)
    (True, False)
"""
