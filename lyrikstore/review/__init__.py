"""Reviews: people decide about records that were drawn by nobody's choice (spec chapter 26).

* asked: the questions, and a request for a review;
* queue: the draw, and a folder for each reviewer;
* folder: the folder of a reviewer, checked;
* sign: a decision file, signed by the reviewer, without a store;
* hand_in: decisions are logged by digest, and revealed when all are there.
"""
