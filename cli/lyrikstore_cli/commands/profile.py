"""``lyrikstore profile``: show what a dataset holds."""

from pathlib import Path

import click

from lyrikstore.canon.text import escape_control, pluralize
from lyrikstore_cli import options
from lyrikstore_cli.command import command as declare
from lyrikstore_cli.session import Session


@declare("profile", epilog="lyrikstore profile acme/clauses --html clauses.html")
@click.argument("ref")
@options.html
@options.with_values
@options.with_paths
def command(
    session: Session, ref: str, html: Path | None, with_values: bool, with_paths: bool
) -> None:
    """Show what REF holds: fields, lengths, labels and their conflicts, duplicates, and more.

    The page loads nothing and quotes no text. It counts labels and licences, and names them only
    with `--with-values`; it lists the places of contradicting labels only with `--with-paths`.
    Personal data and languages are searched in a thousand records, sampled by a hash of their ids.
    PDF, DOCX and similar documents are parsed; unreadable ones are counted, with the reason.
    """
    from lyrikstore.api.commands import facts_of_profile, profile_page

    with_data = options.held(values=with_values, paths=with_paths)
    if html is not None:
        options.check_new(html)
    elif with_data:
        raise click.UsageError("--with-values and --with-paths are for the page: add --html FILE")
    store = session.open_store()
    with session.progress("profiling"):
        found = store.datasets.profile(ref)
    facts = found.to_json()
    if html is not None:
        held = facts_of_profile(store, found.manifest, facts, with_data=with_data)
        options.write_new(html, profile_page(held))
    page_file = None if html is None else str(html)
    session.emit("profile", {**facts, "pageFile": page_file, "withData": with_data})
    say = session.screen.result
    say(f"{found.manifest.name}  {found.manifest.id.short}", "bold")
    fields = pluralize(len(found.statistics.fields), "field")
    say(f"  {pluralize(found.records, 'record')}, {fields}")
    if found.unread:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(found.unread.items()))
        unread = pluralize(sum(found.unread.values()), "document was", "documents were")
        say(f"! {unread} not read, so the figures below leave their texts out: {reasons}")
    if found.partly:
        say(f"! pages or parts of {pluralize(found.partly, 'more document')} were not read")
    if found.labels:
        shown = ", ".join(f"{one} {count}" for one, count in found.labels[:5])
        say(f"  labels   {len(found.labels)}: {escape_control(shown)}")
    exact, normal = found.duplicates
    say(f"  twice    {exact} texts, {normal - exact} more in another spelling")
    if found.conflicts:
        places = ", ".join(f"{path}:{line}" for path, line in found.places[:3])
        where = escape_control(places)
        count = pluralize(found.conflicts, "record contradicts", "records contradict")
        say(f"! {count} the label of others: {where}")
    if found.personal:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.personal.items()))
        say(f"! personal data in {found.sampled} sampled records: {kinds}")
    if html is not None:
        say(f"✓ wrote    {html}")
        session.screen.holds(with_data)
    else:
        session.screen.hint("to write it as a page with charts: --html FILE")
