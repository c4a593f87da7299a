"""The child process that trains, scores and predicts, in a private folder, without the store.

* job: the JSON request that the process reads; it names a function and its settings;
* staged file: an input that the parent has checked and copied into the private folder;
* event: a line of JSON that the process writes: progress, a measurement, an error;
* resume state: the saved state of training from which a killed run continues;
* order: the reproducible sequence of the records of each epoch.

Example:
    >>> from lyrikstore.canon.digest import Digest
    >>> from lyrikstore.train.worker.order import epoch_order
    >>> records = [Digest.of(text) for text in (b"a", b"b", b"c")]
    >>> sorted(epoch_order(records, seed=7, epoch=0))
    [0, 1, 2]
"""
