"""What a card is made from, by the form that it is written in (spec §14.4.1)."""
