"""Policies: which keys may sign what in a store, and how policies change (spec §8.3).

* policy: a manifest that lists the roles of a store and the keys of its log;
* role: keys, and the kinds and names of manifests that they may sign;
* owner: the role whose keys may change the policy;
* threshold: the number of different keys that must approve a card;
* retired key: a key that may no longer sign, with its successor.

Example:
    >>> from lyrikstore.history.policy.policy import matches
    >>> matches("cards/*", "cards/acme/clauses")
    True
"""
