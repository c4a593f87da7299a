"""Training of one model candidate in a worker: loop, resume states, checkpoints.

* learner: the model with its optimizer; the loop calls it for each batch;
* loop: epochs, validation and early stopping, the same for all learners;
* resume state: weights, optimizer and position, saved so that a killed run continues;
* fold: a part of the data that a model is measured on while it is trained on the rest;
* strength: the regularization of a linear model, chosen by the folds.

Example:
    >>> from lyrikstore.train.worker.training.folds import count_fits
    >>> count_fits(records=300, repeats=2, strengths=5)  # of a linear model
    51
"""
