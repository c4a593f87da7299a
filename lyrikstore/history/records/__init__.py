"""Commitments to the records of a dataset (spec/09-records.md).

* record: a document, or one row of a file of rows;
* record id: the hash of a record's bytes, with the name of its reader;
* salt: random bytes for each record, so that an id cannot be guessed from a commitment;
* order root: the Merkle root over salts and ids of all records, in their order.

Example:
    >>> from lyrikstore.history.records.order_root import record_id
    >>> record_id("jsonl/1", b'{"text":"rent"}') == record_id("jsonl/1", b'{"text":"fee"}')
    False
"""
