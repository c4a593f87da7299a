"""Sentences about evaluations that rest on several others: the decision between two systems.

Example:
    >>> from lyrikstore.verify.evaluation.sentences.decision import decision_of
    >>> decision_of({"count": 20, "model": {}})["use"]
    'undecided'
"""
