"""JSON Schemas that a foreign credential names (spec §17.7).

* **schema**: a JSON Schema of a known draft, from the available resources.
* **schema credential**: a credential with a schema in it, ``JsonSchemaCredential``.
* **outcome**: ``success``, ``failure`` or ``indeterminate``.
* **cost**: an upper bound for the steps to apply a schema to a document.
* **draft**: the version of JSON Schema that ``$schema`` names.

Example:
    >>> from lyrikstore.w3c.profile.schema.check import apply_schema
    >>> outcome, reason = apply_schema({}, b"{}", "https://acme.example/schema")
    >>> outcome.value, reason
    ('failure', 'the schema does not say of which draft it is')
"""
