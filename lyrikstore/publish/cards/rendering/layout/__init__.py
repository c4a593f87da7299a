"""The layout of a card: two pages for decision makers, then annexes (spec §14.4.7).

A layout is the same for all renderings for people. Each statement is printed in one place, which
has an anchor; everything else links to it.

* **block**: a heading, list, table, box or chart of a layout.
* **inline**: a part of a line: a text, a statement, a state, or a reference.
* **reference**: the title of a statement, as a link to the place where it is printed.
* **anchor**: the name of a place in a rendering, such as ``s-model.task``.
* **finding**: the worst of what a card states, by a fixed order.

Example:
    >>> from lyrikstore.publish.cards.rendering.layout.statements import anchor_of
    >>> anchor_of("evaluation.class:a b")
    's-evaluation.class:a-b'
"""
