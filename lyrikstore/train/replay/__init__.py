"""States of training that are kept: to go on from (§13.2.3), or to do segments again (§13.14.1)."""
