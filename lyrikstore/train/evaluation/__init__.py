"""Evaluation of a checkpoint on a locked test set, and monitoring on later data (spec §13.9).

* Test set: a dataset that was logged before the run, and that the model was not trained on.
* Baseline: a simple model, fitted on the same training data; the verdict compares with it.
* Overlap: test records that are in the training data, exactly or as near duplicates.
* Slice: test records with the same value of a field, which get their own metrics.
* Monitoring: the same metrics on data from after the run; never a test.

Example:
    >>> from lyrikstore.train.evaluation.vocabulary import count_unseen
    >>> count_unseen([["a new lease"], ["the lease"]], ["the lease ends"])
    [(1, 2), (0, 2)]
"""
