"""Reviews of records by people: the draw, decisions, outcomes and figures (spec chapter 26).

Everything here is a pure function over bytes and signed objects, so that what a review states is
computed by whoever verifies it as it was by whoever signed it.
"""
