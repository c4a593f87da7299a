"""The tasks, one module each: all that differs between them in training and evaluation.

* Task: defines what a record holds and what a model answers, such as ``text-classification``.
* Labelling task: models give one label or several; ``labelling.py`` has the common part.
* Generative task: models generate text (``sft``).
* ``TASK``: the object of a module; :func:`lyrikstore.train.task.find_task` returns it.

Example:
    >>> from lyrikstore.train.task import find_task
    >>> find_task("multi-label").candidates
    ('tfidf', 'embeddings', 'lora', 'full', 'blend')
    >>> find_task("sft").devices
    ('cpu', 'cuda')
"""
