"""The local explorer of `lyrikstore ui`: a store as pages in the browser of its user (docs/ui.md).

* **explorer**: an open store, the facts of its log entries, and the verdicts known so far;
* **view**: a function from the explorer and the query of a request to a page;
* **place**: a view in the navigation;
* **gate**: the checks of a request before any view: host, method, origin, session;
* **judgement**: what is known about an object: not verified, or what `verify` says of it.

Everything is read-only: no view writes to the store, and pages send nothing but GET requests.
"""
