"""``lyrikstore show``: one signed object as text or JSON; a view for each kind."""
