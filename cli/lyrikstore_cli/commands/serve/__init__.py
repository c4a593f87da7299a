"""``lyrikstore serve``: the VC API on a local port."""
