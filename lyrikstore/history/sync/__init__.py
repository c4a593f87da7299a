"""Clone, pull, push and repair between a store and its remotes (spec/15-remotes.md).

* remote: a place with a copy of a store: a folder, a bucket, a server;
* home: the store whose log is extended; all other copies follow it;
* mirror: a complete copy that no one commits to;
* pending entry: an entry in the local log of a clone that the home does not have yet;
* fork: two histories of one log, signed by its key; both are refused.

Example:
    >>> from lyrikstore.history.sync.negotiate import LogRelation
    >>> [relation.value for relation in LogRelation]
    ['same', 'ahead', 'behind']
"""
