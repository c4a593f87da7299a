"""``lyrikstore w3c``: what programs need that know the standards of the W3C, and not this store."""
