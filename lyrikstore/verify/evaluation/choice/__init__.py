"""Decisions by validation: how scores become answers, and which candidate is chosen (§13.2.2).

* scores: the logits that a candidate gives to the validation records;
* answer rule: the temperature and thresholds that turn scores into labels;
* cross-validation: folds of the data, each scored by a model trained on the other folds;
* blend: a weighted sum of the scores of two candidates;
* limit: a bound from the config; candidates that exceed it are not chosen.

Training, and verification of a choice, use this one implementation.

Example:
    >>> from lyrikstore.verify.evaluation.choice.unlike import unlike_limit
    >>> unlike_limit(number / 100 for number in range(1000))
    '9.49'
"""
