"""The figures of answers that are labels, and their confidence intervals (spec §13.9).

* metric: a figure such as accuracy or macro F1, computed as a whole number of billionths;
* resample: records drawn again at random from a seed, the same in every language;
* interval: the middle 95 % of a metric over 1,000 resamples;
* paired difference: the difference of two models on the same resamples, with its verdict;
* calibration: how well the confidences agree with the share of right answers.

Example:
    >>> from lyrikstore.verify.evaluation.figures.measures import verdict
    >>> verdict({"low": "0.0120", "high": "0.0410"})
    'better'
"""
