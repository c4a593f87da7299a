"""``lyrikstore review``: requests, decisions in the terminal, signatures, and what they give."""
