"""``store.rules``: the data policy of a namespace, its previews and its waivers."""

from dataclasses import dataclass

from lyrikstore.api import stages
from lyrikstore.api.bound import bound
from lyrikstore.context import StoreContext


@dataclass
class StoreRules:
    """The rules of a store's namespaces."""

    store: StoreContext

    add = bound(lambda: stages.add_rules)
    check = bound(lambda: stages.check_use)
    diff = bound(lambda: stages.diff_rules)
    waive = bound(lambda: stages.waive_rule)
