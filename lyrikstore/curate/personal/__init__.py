"""Finding personal data in a text: pure functions that know neither recipes nor stores.

:func:`~lyrikstore.curate.personal.find.find` is the way in. What is found has a kind
(:mod:`~lyrikstore.curate.personal.kinds`); who finds is a detector
(:mod:`~lyrikstore.curate.personal.detectors`). Normative text: spec §12.5.
"""
