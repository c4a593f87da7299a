"""The table of all views: the path of each, and those that are places in the navigation."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from lyrikstore.explorer.explorer import Explorer
from lyrikstore.explorer.graph.impact import impact_page
from lyrikstore.explorer.graph.lineage import lineage_page, newest_page
from lyrikstore.explorer.graph.standing import mapped
from lyrikstore.explorer.models.cards import card_document, card_page, cards_page
from lyrikstore.explorer.models.compare import compare_runs_page
from lyrikstore.explorer.models.deployments import evaluation_document, uses_page
from lyrikstore.explorer.models.runs import run_page, runs_page
from lyrikstore.explorer.page import Page, Query, SandboxedDocument
from lyrikstore.explorer.rights.credentials import credential_page, credentials_page
from lyrikstore.explorer.rights.rules import rules_page
from lyrikstore.explorer.views.comparison import compare_page
from lyrikstore.explorer.views.datasets import dataset_page
from lyrikstore.explorer.views.files import file_page, files_page
from lyrikstore.explorer.views.log import log_page
from lyrikstore.explorer.views.names import names_page, versions_page
from lyrikstore.explorer.views.objects import object_page
from lyrikstore.explorer.views.rows import row_page, rows_page
from lyrikstore.web.texts import page_text


class ExplorerView(Struct, frozen=True):
    """A view of the explorer.

    Attributes:
        path: Its path, with parameters in braces; a view gets them in its query.
        show: Returns the page, or a document as it is, for a query.
        title: Its text in the navigation, a key of ``texts.json``; empty for a view that is no
            place.
    """

    path: str
    show: Callable[[Explorer, Query], Page | SandboxedDocument]
    title: str = ""


VIEWS: Sequence[ExplorerView] = (
    ExplorerView("/", names_page, "explorer.names"),
    ExplorerView("/name", versions_page),
    ExplorerView("/object/{id}", object_page),
    ExplorerView("/dataset", dataset_page),
    ExplorerView("/rows", rows_page),
    ExplorerView("/row", row_page),
    ExplorerView("/files", files_page),
    ExplorerView("/file", file_page),
    ExplorerView("/compare", compare_page),
    ExplorerView("/lineage", mapped(newest_page), "explorer.lineage"),
    ExplorerView("/lineage/{id}", mapped(lineage_page)),
    ExplorerView("/impact/{id}", mapped(impact_page)),
    ExplorerView("/runs", mapped(runs_page), "explorer.runs"),
    ExplorerView("/runs/compare", mapped(compare_runs_page)),
    ExplorerView("/run/{id}", mapped(run_page)),
    ExplorerView("/evaluation/{id}", evaluation_document),
    ExplorerView("/cards", mapped(cards_page), "explorer.cards"),
    ExplorerView("/card/{id}", mapped(card_page)),
    ExplorerView("/card/{id}/page", card_document),
    ExplorerView("/uses", mapped(uses_page), "explorer.uses"),
    ExplorerView("/credentials", mapped(credentials_page), "explorer.all-credentials"),
    ExplorerView("/credential/{id}", mapped(credential_page)),
    ExplorerView("/rules", rules_page, "explorer.rules"),
    ExplorerView("/log", log_page, "explorer.log"),
)
"""All views, in the order of the navigation."""

SEARCH = "/"
"""The view that answers the search of every page."""


def navigation() -> list[tuple[str, str]]:
    """Return paths and titles of the places, in order."""
    return [(view.path, page_text(view.title)) for view in VIEWS if view.title]
