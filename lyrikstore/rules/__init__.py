"""The rules of an organisation: for what it lets its data and models be used.

* rule: one Cedar policy that permits or forbids, with its source and its remedy;
* pack: a TOML file of rules with a table of cases; three are built in;
* settings: a TOML file of about twelve settings in plain words, which becomes a pack;
* fact: an attribute of a dataset or a model that rules read. A fact that was
  not measured has a separate value, and no rule that reads it permits;
* case: facts with the answer that the rules must give. A pack with a failing case is refused.

Example:
    >>> from lyrikstore.rules.pack import builtin_pack
    >>> [rule.id for rule in builtin_pack("health").rules][0]
    'health-method'

Cedar runs in a process of its own (:mod:`lyrikstore.rules.engine`). Imports ``objects`` and
``canon`` only.
"""
