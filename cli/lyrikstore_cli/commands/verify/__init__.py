"""``lyrikstore verify``: verify a credential, a delivery, a store, or an object of a store."""
