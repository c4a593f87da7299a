"""What each kind of model writes into a deployed folder, and how it is asked (spec §14.7)."""
