"""Importing documents of other stores: deliveries, credentials, attestations (spec §20.7).

* **import**: a dataset version of this store with the tree of a delivery and its signed documents.
* **foreign document**: a signed document of another store, kept byte for byte.
* **roles**: which fields contain text, label, split and id; an importer may add missing ones.
* **collected attestations**: attestations of others about a dataset, added to its deliveries.
* **skipped**: files of an imported folder that do not belong to it, or do not verify.

Example:
    >>> from lyrikstore.curate.readers.fields import FieldRoles
    >>> from lyrikstore.publish.imports.imported_roles import add_roles
    >>> add_roles(FieldRoles(text=("body",)), FieldRoles(label="topic"), name="acme/docs").label
    'topic'
"""
