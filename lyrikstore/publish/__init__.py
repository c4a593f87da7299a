"""Documents that leave a store: credentials, grants, deliveries, status lists and model cards.

* credential: a signed W3C document in which a publisher describes a dataset and its terms;
* grant: a signed document that gives one recipient the right to use a dataset;
* delivery: a folder with a dataset, its credential and the files that prove both;
* status list: a signed list of the credentials that their issuer has revoked or suspended;
* card: the signed facts about a checkpoint, with a page for people.

Example:
    >>> from lyrikstore.publish.markdown import escape
    >>> escape("a | b <script>")
    'a &#124; b &#60;script&#62;'

Imports ``curate`` and what lies below it.
"""
