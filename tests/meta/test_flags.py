"""A flag means one thing in every command, and what means the same has one flag.

A new flag needs a line here. Before one is added, look whether there is one of this meaning.
"""

import re
from collections import Counter
from collections.abc import Iterator

import click

from lyrikstore_cli.renamed import FLAGS
from tests.epilogs import command_of, commands

MEANINGS = {
    "--adjudicator": "who decides where reviewers disagree",
    "--blind": "the candidate is hidden at first",
    "--by": "the fields of strata",
    "--close": "the queue whose decisions are revealed early",
    "--guideline": "a text for reviewers",
    "--overlap": "the share that two people decide",
    "--queue": "the records that people decide about",
    "--questions": "a file of what reviewers are asked",
    "--reviewer": "who decides about records",
    "--strip": "the fields that reviewers do not see",
    "--about": "say whether somebody is believed",
    "--abstain-below": "the confidence below which nothing is answered",
    "--action": "what is decided: training, evaluation, approval or deployment",
    "--add": "what an outsider answered",
    "--after-gap": "the clock is right although the log is old",
    "--again": "write a logged deployment again",
    "--against": "what is compared with",
    "--all-data": "fetch what a partial clone left out",
    "--allow-orphans": "leave out rows that name no file",
    "--allow-remote": "listen where others can reach it",
    "--also": "further uses beside the purpose",
    "--answer": "the field with the answer",
    "--answers": "a file of answers to a card",
    "--as": "a new name",
    "--at": "the moment for which it is judged",
    "--audit": "every entry of the log",
    "--authority": "the certificate of a time stamp authority",
    "--backfill": "the data is of before the run",
    "--backup-passphrase-file": "the file of the backup's passphrase",
    "--base": "the model that training starts from",
    "--cards": "the cards that approvers approve",
    "--certificate": "where the server's certificate is written",
    "--challenge": "the text that a presentation signs",
    "--check": "whether what is written agrees with the store",
    "--check-records": "how many records a check takes",
    "--claim": "what somebody is believed about",
    "--compare": "the page that is compared with one's own",
    "--collect": "the folder of a job that came back",
    "--cryptosuite": "how a foreign credential is signed",
    "--dask": "the cluster that shares the work",
    "--data": "the data that the credential is about",
    "--describe": "a file that describes the data",
    "--device": "the processors or the GPU that a model runs on",
    "--did-document": "the document of a did:web",
    "--diff": "what changed since the card before",
    "--document": "a document that an attestation rests on",
    "--domain": "the verifier that a presentation is for",
    "--draft": "the folder for an expert",
    "--env": "an environment variable that a program gets",
    "--evidence": "write what shows who signed",
    "--explain": "what speaks for each answer",
    "--export-job": "write a job for another machine",
    "--fetch": "fetch documents and lists",
    "--files": "list the files",
    "--follow-links": "follow symbolic links",
    "--for": "the purposes that work serves",
    "--for-audit": "fetch what an outsider may see",
    "--force": "replace what is there",
    "--format": "the form of the result",
    "--from": "the backup that is restored",
    "--generated-by": "the model that wrote the data",
    "--gpu": "a program may use the GPUs",
    "--grace": "how long a dropped pack waits",
    "--grantable": "uses that may be granted by name",
    "--group": "the field that keeps records together",
    "--host": "the address that is listened on",
    "--host-name": "a name that a server answers to",
    "--html": "the page of a result",
    "--id": "the field that names the record",
    "--include": "what else a job takes along",
    "--input": "a dataset that a program learns from",
    "--issuer": "the organisation that issues",
    "--issuer-name": "what the issuer calls itself",
    "--json": "print the result as JSON",
    "--keep": "how many versions are kept",
    "--key": "the column that names the file",
    "--kind": "the kind of an attestation",
    "--label": "the field that holds the label",
    "--label-separator": "what stands between labels",
    "--liable": "the person who answers for a waiver",
    "--licence": "the licence, as SPDX",
    "--licence-field": "the field that holds the record's licence",
    "--licence-text": "the file of the licence's text",
    "--limit": "at most so many",
    "--locked": "take the version of the lock",
    "--log-key": "a key for the log",
    "--map-names": "record names that no path may have",
    "--measure": "do a few real steps for the plan",
    "--metadata": "the sheet about the files",
    "--mirror": "a copy that nobody extends",
    "--name": "what you call an issuer",
    "--names": "the names that somebody is believed about",
    "--namespace": "the namespace that rules bind",
    "--network": "a program may use the network",
    "--nfc": "record names in Unicode form C",
    "--no-answers": "leave out answers that nobody signed",
    "--no-color": "no colours",
    "--no-data": "fetch no files",
    "--no-input": "never ask",
    "--no-passphrase": "store a key unprotected",
    "--no-sign": "log nothing",
    "--nonce": "the random bytes of a draw",
    "--offline": "ask nothing of the remote",
    "--old": "the key that is replaced",
    "--on": "the data that a model is measured on",
    "--only": "fetch the files of this alone",
    "--open": "open it in the browser",
    "--origin": "the name of a log",
    "--output-terms": "where the terms of a model's output stand",
    "--output-trains": "whether a model's output may be trained on",
    "--over": "the uses that two packs decide",
    "--pack": "rules that decide in place of those in force",
    "--passphrase-file": "the file of the passphrase",
    "--period": "the time that data is of",
    "--permit": "uses that are permitted",
    "--port": "the port that is listened on",
    "--predictions": "a file of answers computed elsewhere",
    "--prices": "a price file",
    "--probe": "a file of questions",
    "--profile": "what a card answers",
    "--program": "what a job runs",
    "--prohibit": "uses that are forbidden",
    "--prompt": "the field with what is asked",
    "--prompts": "a file of what a model was asked",
    "--purge": "delete at once",
    "--purpose": "the use that is asked for",
    "--quick": "read no data",
    "--raw": "the stored bytes",
    "--read": "what a program may read",
    "--reader": "how files are records",
    "--recipe": "the recipe",
    "--recompute, --no-recompute": "measure and compute again",
    "--record": "log that it was asked",
    "--records": "a dataset that is read in place",
    "--region": "where a job runs",
    "--remote": "do it there, at the home of the log",
    "--repack-at": "the share of duplicates at which a pack is rewritten",
    "--repair-from": "the remote that damage is restored from",
    "--report": "the report that is kept",
    "--require": "duties",
    "--request": "what is sent to an outsider",
    "--resource": "a file that a foreign credential names",
    "--resume": "go on with what was interrupted",
    "--role": "what a key is admitted or believed as",
    "--sample": "how much of a whole is looked at",
    "--seats": "how many people",
    "--segments": "how many segments are done again",
    "--self": "approve what you made yourself",
    "--set": "how a remote is reached",
    "--sheet": "the sheet of a workbook",
    "--signer": "who signs",
    "--since": "when it begins",
    "--skip-bad": "leave out malformed lines",
    "--split": "the field that says train, validation or test",
    "--statement": "the file of what is attested",
    "--statistic": "what is measured of the rows",
    "--status": "a newer status",
    "--status-url": "where status lists are published",
    "--store": "the store folder",
    "--store-id": "the id of a store",
    "--successor": "the key that takes the place of another",
    "--supersedes": "the credential that this one replaces",
    "--suspect-from": "since when a key is suspect",
    "--terms": "a file of terms",
    "--territory": "where it is used",
    "--test": "the test set that a run names",
    "--text": "the field that holds the text",
    "--threshold": "how many approvers a card takes",
    "--tls": "speak HTTPS",
    "--to": "who or what it is made for",
    "--to-name": "what a holder is called",
    "--trained": "the folder of a model that another tool trained",
    "--trust": "the trust file",
    "--unchecked": "attest without the bytes",
    "--unconfined": "a program runs unconfined",
    "--until": "when it ends",
    "--update": "take the current versions",
    "--use": "a condition of the use",
    "--valid-for": "how long a credential holds",
    "--version-label": "a label of the version, for people",
    "--with": "what a page carries",
    "--with-paths": "paths of the data may be handed on",
    "--with-texts": "texts of the data may be handed on",
    "--with-values": "values of the data may be handed on",
    "--withdraw": "take an approval back",
    "--without": "a field that is left out",
    "--witness": "the key is a witness's",
    "--writer": "who else may sign here",
    "--yes": "do it without being asked again",
    "-C": "change to this folder first",
    "-d, --dataset": "the dataset that a folder becomes",
    "-m, --message": "a message or a reason",
    "-n, --dry-run": "say what would change, and change nothing",
    "-o, --output": "the file or folder that is written",
    "-q, --quiet": "say only results and errors",
    "-v, --verbose": "say error kinds and more detail",
}
"""Flag → what it means, wherever it is."""

ARGUMENTS = {
    "DIR": "a folder",
    "DID": "the key of a person",
    "KEY": "a key",
    "NAME": "the name of what the command is about",
    "INDEX": "the index of a log entry",
    "LOGKEY": "the key of a log",
    "NEW": "the later one of two",
    "OLD": "the earlier one of two",
    "DID|LOG-KEY": "who is believed",
    "FILE": "a file",
    "DID|NAME|DIGEST|KEY": "what is no longer believed",
    "LIMIT": "a limit of the trust file",
    "VALUES": "the values of a limit",
    "PATH": "files of one's own",
    "REF": "something in the store",
    "REF|timestamp": "something in the store, or the word for outside time",
    "REF|NAMESPACE|FILE": "what an auditor asks about, or an audit file",
    "RECORD": "a record",
    "FOLDER": "the folder that is written",
    "ID": "something in the store, or a credential, by its id",
    "SQL": "a query",
    "TARGET": "what is judged",
    "TARGETS": "what is taken in",
    "CREDENTIAL": "a credential",
    "GRANT": "a grant",
    "PACK": "a pack of rules that comes along, or a file",
    "PACKAGE": "an installed package",
    "RULE": "a rule of a pack",
    "CHECKPOINT": "a checkpoint",
    "MODEL": "a checkpoint, an evaluation, or a model from elsewhere",
    "REF|CONFIG": "a dataset, or a config",
    "CONFIG": "a config",
    "-- COMMAND": "a program with its arguments",
    "FILE|DIR|ROWS": "what a model is asked",
    "CARD": "a card",
    "URL": "the address of a remote",
    "REMOTE": "the name of a remote",
    "TOPIC": "a topic of the help",
}
"""Argument → what it means, wherever it is."""


def parameters() -> Iterator[tuple[str, click.Parameter]]:
    for words in commands():
        for one in command_of(words).params:
            yield " ".join(words), one


def flags() -> Iterator[tuple[str, str, click.Option]]:
    for command, one in parameters():
        if isinstance(one, click.Option):
            yield command, ", ".join([*one.opts, *one.secondary_opts]), one


NUMBERS = (click.types.IntParamType, click.types.FloatParamType)


def kind(option: click.Option) -> str:
    """Return what a flag takes: nothing, a path, a number or words."""
    if option.is_flag:
        return "nothing"
    if isinstance(option.type, click.Path):
        return "path"
    return "number" if isinstance(option.type, NUMBERS) else "words"


def test_every_flag_has_one_meaning_and_every_meaning_one_flag() -> None:
    assert {flag for _, flag, _ in flags()} == set(MEANINGS)
    assert [meaning for meaning, count in Counter(MEANINGS.values()).items() if count > 1] == []


def test_every_argument_has_one_meaning() -> None:
    found = {
        re.sub(r"[\[\]….]", "", one.make_metavar(click.Context(command_of(command.split()))))
        for command, one in parameters()
        if isinstance(one, click.Argument)
    }
    assert found == set(ARGUMENTS)


def test_a_flag_takes_the_same_everywhere() -> None:
    taken: dict[str, dict[str, str]] = {}
    for command, flag, one in flags():
        taken.setdefault(flag, {}).setdefault(kind(one), command)
    # `below 0.8` says which records `predict` asks people about; of `review sign` a folder does.
    assert taken.pop("--queue") == {"path": "review sign", "words": "predict"}
    assert {flag: kinds for flag, kinds in taken.items() if len(kinds) > 1} == {}


def test_short_and_long_names_go_together() -> None:
    names: dict[str, set[str]] = {}
    for _, flag, one in flags():
        for name in one.opts:
            names.setdefault(name, set()).add(flag)
    assert {name: of for name, of in names.items() if len(of) > 1} == {}


def test_every_flag_has_help() -> None:
    assert [(command, flag) for command, flag, one in flags() if not one.help] == []


def test_nothing_answers_to_a_flag_that_was_renamed() -> None:
    now = {(command, name) for command, _, one in flags() for name in one.opts}
    same = {("train", "--output")}  # of train it is the folder of a job now, and says so
    assert now & FLAGS.keys() == same
    assert {(command, new.split()[0]) for (command, _), new in FLAGS.items()} <= now
