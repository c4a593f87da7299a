"""The data policy of an organisation at work: packs are added, uses decided, rules waived.

* Pack: rules with their cases; adding one signs and logs a ``rules`` manifest.
* Use: what is about to be done with data and models, before anything of it is signed.
* Decision: what the rules in force answer to a use, signed and logged with it.
* Waiver: a signed exception to one rule for one dataset or checkpoint, until a day.
* Preview: the same answers for a use that is only planned; nothing is signed.

Example:
    >>> from lyrikstore.governance.packs import rules_name
    >>> rules_name("acme", "health")
    'rules/acme/health'

``lyrikstore.verify.rules`` computes every decision again.
"""
