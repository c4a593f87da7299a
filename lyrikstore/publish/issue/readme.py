"""The README of a delivery: how a reader who is not a programmer verifies it (spec §14.3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.did import web_url
from lyrikstore.credentials.terms.model import WHOLE, Partition, Selector, Terms
from lyrikstore.credentials.terms.vocabulary import limit_words
from lyrikstore.publish.markdown import code, escape
from lyrikstore.verify.datasets.licences import LicenceCount

_FILES = {
    "credential.json": "what the publisher states and signs: licence terms, origin, quality, "
    "validity",
    "manifest.json": "the signed record of how this version of the data was made",
    "records.json": "the signed commitment to every single record",
    "records.salts": "random values needed to recompute that commitment",
    "tree.jsonl": "the list of files with sizes, digests and metadata",
    "genesis.json": "the founding document of the publisher's store, with the key of its log",
    "log.tlog-proof": "proof that this version stands in the publisher's log",
    "log.consistency.json": "proof that the log of this delivery continues that of earlier ones",
    "log.leaves": "hashes of all log entries, which prove the same for every earlier log",
    "LICENCE.txt": "the licence text",
    "LICENCE-": "the text of the licence that the file is named for",
    "credential.tlog-proof": "proof of where the credential stands in that log",
    "policy-": "which keys the publisher added, replaced or revoked, and proof that it is logged",
    "source-": "a document signed by the first publisher of this data or of a part of it, or a "
    "file needed to check it",
    "statement-": "keys of the store of another party that signed something here",
    "status-suspension-": "whether the publisher had suspended it when this list was made",
    "status-": "whether the publisher had revoked it when this list was made",
    "attestation-": "a statement of another party about this data, or a file needed to check it",
    "did-": "the issuer's keys, as published then",
    "README.md": "this page; it is not signed",
}


_VERDICTS = (
    (
        "TRUSTED",
        "the files are exactly those the publisher signed for, and you believe that key",
        "use the data as the licence says",
    ),
    (
        "VALID",
        "every check passed, but the key is not in your trust file",
        "do steps 2 and 3",
    ),
    (
        "INCOMPLETE",
        "files or newer status lists are missing to finish the check; the answer names them",
        "ask the publisher for what the answer names",
    ),
    (
        "INVALID",
        "something differs, has expired or is forged; the answer names it",
        "do not use the data; ask the publisher",
    ),
)


def _about(name: str) -> str:
    return next(about for known, about in _FILES.items() if name.startswith(known))


def delivery_readme(
    credential: dict[str, JSON], files: Sequence[str], licences: LicenceCount
) -> str:
    """Return the README of a delivery.

    Args:
        credential: The signed credential; its text is escaped.
        files: Names of the other sibling files.
        licences: What the data states of licences, record by record.
    """
    subject: dict[str, Any] = credential["credentialSubject"]
    issuer: dict[str, Any] = credential["issuer"]
    terms = Terms.of(subject["licence"])
    named = escape(issuer["name"]) if "name" in issuer else "the publisher"
    rows = "\n".join(f"| {code(name)} | {_about(name)} |" for name in [*files, "README.md"])
    until = credential.get("validUntil")
    files = pluralize(subject["fileCount"], "file")
    records = pluralize(subject["recordCount"], "record")
    size = pluralize(int(subject["byteSize"]), "byte")
    return f"""# {escape(subject["name"])}

A delivery of {files} ({records},
{size}), issued by {named}. The data is in the folder `data`.

**This page proves nothing.** It is not signed: a person who changed the data could have changed it
too. The check below is a proof.

## What you may do with the data

{_terms(terms, subject["licence"])}{_own_licences(licences)}

A use that is not listed under "you may" is not permitted by this credential. It is valid from
{code(credential["validFrom"])} {_until(until)}.

## How to check it

You need a computer with Python 3.11 or later. You do not need a network connection for steps 3 to
5, an account, or anything else from the publisher. On a computer without Python, the page that
`lyrikstore page` writes on another one does the same in a browser.

1. Install the program lyrikstore, with `pip install`, from its authors or a package index. Do not
   take it from the person who gave you this folder: a forged program can answer TRUSTED always.
{_whom_to_believe(issuer["id"])}
4. Open a terminal in this folder and run

   `lyrikstore verify credential.json --data data`
5. Read which of these words the answer ends with; hints may follow it:

{_verdicts()}

The answer also lists what such a check cannot prove: that the statements are true, that the data
was obtained lawfully, that it is free of errors or of personal data. For those, ask the publisher.

## What is in this folder

| file | what it is |
| --- | --- |
| `data` | the data itself |
{rows}

Keep the folder as it is: the check needs these files, and it reports any file in `data` that was
added, removed, renamed or changed. The formats are public, so the check can be repeated with other
programs: plain BLAKE3 digests, signed JSON (W3C Verifiable Credentials, eddsa-jcs-2022) and a
C2SP transparency log.
"""


def _whom_to_believe(did: str) -> str:
    if did.startswith("did:web:"):
        return f"""\
2. **Find out whether the publisher goes by this name**: from a contract, a letter, or a telephone
   call. This delivery claims to be issued by

   `{did}`

   The owner of that name publishes its keys in this document:

   `{web_url(did)}`

   Download it from there yourself, or get it from the publisher by another route than this folder:
   a copy that came with the data proves nothing.
3. Tell the program that you believe this name and document, with a nickname of your choice:

   `lyrikstore trust add {did} --name "my supplier" --did-document did.json`"""
    return f"""\
2. **Get the publisher's key by another route than this folder**: from a contract, a letter, a
   website you already trust, or a telephone call. A key that came with the data proves nothing.
   This delivery claims to be signed by

   `{did}`

   Both must be the same, character for character. If they differ, stop and ask the publisher.
3. Tell the program that you believe that key, with a nickname of your choice:

   `lyrikstore trust add KEY --name "my supplier"`

   Type the key you got in step 2 in place of KEY."""


def _verdicts() -> str:
    rows = ["| answer | what it means | what to do |", "| --- | --- | --- |"]
    return "\n".join([*rows, *(f"| {' | '.join(row)} |" for row in _VERDICTS)])


def _terms(terms: Terms, licence: Mapping[str, Any]) -> str:
    if len(terms.partitions) == 1:
        return _table(terms.partitions[0], terms.licence_of(terms.partitions[0]))
    together = "`lyrikstore terms credential.json` shows what they permit together."
    parts = [
        f"The data has {pluralize(len(terms.partitions), 'part')} under different terms. {together}"
    ]
    for partition, stated in zip(terms.partitions, licence["partitions"], strict=True):
        parts.append(f"### {escape(partition.name)}: {pluralize(stated['fileCount'], 'file')}")
        parts.append(_table(partition, terms.licence_of(partition)))
    return "\n\n".join(parts)


def _own_licences(found: LicenceCount) -> str:
    """Return the licences that records state, each with the number of records, as a table."""
    if found.field is None:
        return ""
    records = pluralize(found.records, "record")
    rows = [f"| {escape(one)} | {count:,} |" for one, count in found.values]
    listed = sum(count for _, count in found.values)
    unstated = "not counted" if found.unstated is None else f"{found.unstated:,}"
    if found.values and found.unstated is not None and listed + found.unstated < found.records:
        rows.append(f"| others | {found.records - listed - found.unstated:,} |")
    rows.append(f"| **none stated** | {unstated} |")
    title = f"Licences in the field {escape(found.field)}, of {records} in all:"
    return "\n".join(["", "", title, "", "| licence | records |", "| --- | --- |", *rows])


def _table(partition: Partition, licence: str | None) -> str:
    rows = {
        "licence": escape(licence or "none stated"),
        "which files": "; ".join(_selector(item) for item in partition.select),
        "you may": _words(partition.permits),
        "if granted to you by name": ", ".join(map(escape, partition.grantable)),
        "you may not": _words(partition.prohibits),
        "you must": _words(partition.requires),
        "only": "; ".join(
            f"{name} {_words(limit_words(name, value))}"
            for name, value in partition.limits.to_json().items()
            if name != "type"
        ),
    }
    if not partition.select:
        rows["which files"] = "all files" if partition.name == WHOLE else "all others"
    lines = [f"| {name} | {text} |" for name, text in rows.items() if text]
    return "\n".join(["| | |", "| --- | --- |", *lines])


def _selector(selector: Selector) -> str:
    if selector.path is not None:
        return f"{escape(selector.path)} and all below it"
    return f"those with {escape(selector.column or '')} {_words(selector.values)}"


def _words(words: Sequence[str]) -> str:
    return ", ".join(escape(word) for word in words) or "nothing stated"


def _until(until: str | None) -> str:
    return f"to {code(until)}" if until is not None else "without an end"
