"""``lyrikstore maintain``: what is made again, and the forms of what is printed and read."""
