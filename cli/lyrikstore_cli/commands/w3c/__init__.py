"""``lyrikstore w3c``: commands for software that reads W3C credentials."""
