"""Use rights: whether data may be used for a purpose, judged before a use and after it.

* right: a credential, or a grant with its terms, that permits the use of one source dataset;
* source: a dataset without dataset inputs; derived data needs the rights of all its sources;
* request: the use of one source, the user, and the trust by which rights are judged;
* ruling: the result for one document that may give the right;
* import: a dataset committed from another store; it has the terms of its publisher.

Example:
    >>> import numpy as np
    >>> from lyrikstore.verify.rights.contents import count_shared
    >>> count_shared(np.array([1, 2, 3]), np.array([2, 3, 4]))
    2
"""
