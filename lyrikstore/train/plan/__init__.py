"""Plans: time, memory and price of a run, estimated before its first step (spec §13.10).

* Facts: numbers about a dataset from its signed statistics; no text is read.
* Candidate: one kind of model that a run can try, such as ``tfidf`` or ``lora``.
* Estimate: a figure with its basis: computed, measured, or quoted from a price file.
* Price file: prices of rented machines with their date.
* Budget: the limits of a config; candidates that exceed it are not tried.

Example:
    >>> from lyrikstore.train.plan.token_counts import TokenCounts
    >>> counts = TokenCounts.of_tokens({10: 95, 300: 5})
    >>> counts.percentile(0.95), counts.total(128)
    (10, 1590)
"""
