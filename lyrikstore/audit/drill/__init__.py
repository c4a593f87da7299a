"""Attacks on a copy of a store and on an example store, to see which of them are caught.

* attack: one row of ``spec/attacks.md`` that is carried out, with what is then verified;
* copy: the user's store, copied; it is attacked without any key of the user's;
* example: a store made for the drill with keys made for it, so that insiders can attack too;
* caught: a check is worse after the attack than before, or the attack itself was refused.
"""
