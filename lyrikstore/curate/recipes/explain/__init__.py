"""What became of a record on its way, and what is given away of what was taken out."""
