"""``lyrikstore verify``: a credential, a delivery, a store, or an object in one."""
