"""Recomputation of evaluations: every figure must follow from the answers (spec §13.9).

* answers: the file with the labels that a model or a baseline gave to each test record;
* figures: accuracy, F1 and other metrics with confidence intervals;
* slice: a part of the test records, such as one language, with figures of its own;
* drift: the difference between the data of two periods;
* choice: the selection of one model candidate from its validation results.

Example:
    >>> from lyrikstore.verify.evaluation.figures.measures import decimal, ratio
    >>> decimal(ratio(2, 3))
    '0.6667'
"""
