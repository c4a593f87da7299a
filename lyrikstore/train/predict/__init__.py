"""Prediction: the answers of a checkpoint to a file, the files in a folder, or rows.

* Input: one record: a text, a document or a row.
* Prediction: the answer to a record, with its confidence.
* Abstaining: the model gives no answer, because it is unsure or the text is unlike its data.
* Unanswered: a record that cannot be read, with the reason.
* Explanation: the evidence for an answer, and similar training records.

Example:
    >>> from lyrikstore.train.predict.prediction import decimal
    >>> decimal(912_500)
    '0.912500'
"""
