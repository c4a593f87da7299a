"""Renderings of ``card.json`` for people and programs; none adds content (spec §14.4.6).

* **rendering**: the bytes that a renderer makes of a ``card.json``, and of nothing else.
* **role**: name of a rendering, such as ``markdown`` or ``cyclonedx``, and of its attachment.
* **version**: name and version of the renderer, such as ``html/2``; stated in the signed card.
* **layout**: a card, divided into pages, annexes and statements.
* **block**: a heading, paragraph, list, table or chart of a layout.

Example:
    >>> from lyrikstore.publish.cards.rendering.renderings import ROLES_OF, version_of
    >>> ROLES_OF["dataset"], version_of("markdown")
    (('markdown', 'html', 'pdf', 'croissant'), 'markdown/2')
"""
