"""Predictions for unlabelled records, and explanations of them. Runs in a worker.

* prediction: the labels of a record with their confidence, or an abstention;
* unlike: a number that is high for texts that differ from the training data;
* contributions: the words of a text that moved a linear model most;
* occlusion: the change of the answer when a sentence is left out;
* nearest record: the training record with the most similar text.

Example:
    >>> from lyrikstore.train.worker.inference.explain import sentences
    >>> sentences("Paid late. Not signed.")
    [(0, 10), (11, 22)]
"""
