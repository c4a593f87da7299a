"""The checks of one credential, attestation or grant (spec §11.4.1, §20.3).

* envelope: signature, format and dates of a signed document;
* issuer: the person or organisation that signed, as the trust file names them;
* key statement: a signed statement that a key was revoked or replaced;
* status: whether the issuer has revoked or suspended the credential;
* terms: the permitted uses that the credential states.

Example:
    >>> from lyrikstore.verify.credential.terms import is_text_name
    >>> is_text_name("LICENCE-mit.txt"), is_text_name("README.md")
    (True, False)
"""
