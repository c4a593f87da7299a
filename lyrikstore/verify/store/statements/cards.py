"""Checks cards with a function of the caller that makes them again (spec §14.6)."""

from collections.abc import Mapping

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.report import Check, not_applicable, unchecked
from lyrikstore.verify.store.readers import CheckCards


def check_cards_among(
    repository: Repository, manifests: Mapping[Digest, Manifest], check: CheckCards | None
) -> Check:
    """Return ``card.sources`` of the cards among manifests.

    Args:
        repository: The store.
        manifests: The manifests in question, such as an ancestry.
        check: Makes cards again; None: cards are unchecked in the report.
    """
    cards = [one for one in manifests.values() if one.kind == "card"]
    if not cards:
        return not_applicable("card.sources", "no card is among it")
    if check is None:
        text = f"{pluralize(len(cards), 'card was', 'cards were')} not made again"
        return unchecked("card.sources", "not-read", text)
    return check(repository, cards)
