"""The links between the objects of a store, and the pages on which one walks along them.

* link: one object names another in a role: a dataset its source, a run the right to its data;
* above an object: all that it was made from; below it: all that was made from it;
* walk: the objects around one object, up to a depth and a number;
* standing: what became of an object after it was signed: revoked, ended, retired, without effect.
"""
