"""The check that what a dataset's manifest states follows from its files (spec §11.7.4).

* body: the signed statement of a dataset: counts, columns, licences, sources;
* results: the files that a filter wrote, computed again from its inputs and recipe;
* decisions: the table of records that a filter kept or dropped, with the reasons;
* imported dataset: a dataset from another store, compared with its publisher's credential;
* licence count: the number of files with each licence, and of those without one.

Example:
    >>> from lyrikstore.verify.datasets.files import formats
    >>> formats(["a.PDF", "b/c.pdf", "README"])
    {'.pdf': 2, 'none': 1}
"""
