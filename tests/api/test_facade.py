"""The names of the facade, and its methods that are functions of the layers below."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import MethodType

import pytest

import lyrikstore
from lyrikstore import api
from lyrikstore.api.bound import _Bound
from lyrikstore.api.datasets import Reviews
from lyrikstore.api.policy import StoreRules
from lyrikstore.api.store import Store
from lyrikstore.lazy import places_of
from tests.servers.dask import new_store

MOST_NAMES = 70
"""Of ``lyrikstore.api``: more than that nobody looks through."""

STUBS = ["lyrikstore", "lyrikstore.api", "lyrikstore.api.commands", "lyrikstore.api.stages"]
PARTS = ["datasets", "credentials", "models", "remotes", "query", "policy"]


def test_it_has_few_names() -> None:
    names = places_of(api.__file__)
    assert len(names) <= MOST_NAMES
    assert len(lyrikstore.__all__) <= len(names)


@pytest.mark.parametrize("name", STUBS)
def test_every_name_that_a_stub_declares_is_loaded(name: str) -> None:
    module = import_module(name)
    places = places_of(str(module.__file__))
    tree = ast.parse(Path(str(module.__file__)).with_suffix(".pyi").read_text("utf-8"))
    assert places == {
        alias.asname: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for called, place in places.items():
        if not place.startswith("lyrikstore.w3c.vc_api"):  # needs the extra `serve`
            getattr(module, called)
    with pytest.raises(AttributeError, match="nothing_is_called_so"):
        _ = module.nothing_is_called_so


@pytest.mark.parametrize(("stub", "folder"), [("stages", "lyrikstore/api"), ("commands", "cli")])
def test_a_stub_declares_nothing_that_nobody_uses(stub: str, folder: str) -> None:
    root = Path(str(lyrikstore.__file__)).parents[1]
    words = {
        word
        for module in (root / folder).rglob("*.py")
        for word in re.findall(r"\w+", module.read_text("utf-8"))
    }
    places = places_of(str(import_module(f"lyrikstore.api.{stub}").__file__))
    assert not places.keys() - words


def bound_methods() -> Iterator[tuple[str, str, _Bound]]:  # type: ignore[type-arg]
    for part in PARTS:
        cls = import_module(f"lyrikstore.api.{part}")
        owners = (
            one for one in vars(cls).values()
            if inspect.isclass(one) and one.__module__ == cls.__name__
            and "store" in one.__annotations__
        )  # fmt: skip
        for owner in owners:
            of = {StoreRules: "rules", Reviews: "reviews"}.get(owner, part)
            for name, value in vars(owner).items():
                if isinstance(value, _Bound):
                    yield of, name, value


def test_a_bound_method_is_the_function_itself(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    found = [*bound_methods()]
    assert len(found) > 30
    for part, name, descriptor in found:
        method = getattr(getattr(store, part), name)
        assert isinstance(method, MethodType)
        function = method.__func__
        assert getattr(type(getattr(store, part)), name) is function
        first = next(iter(inspect.signature(function).parameters.values()))
        taken = store.repository if "view" in type(descriptor).__name__ else store
        assert method.__self__ is taken, name
        assert first.name == ("repository" if taken is store.repository else "context"), name
        assert inspect.getdoc(method)


def test_the_environment_and_progress_are_the_stores() -> None:
    parameters = inspect.signature(Store.open).parameters
    assert {"environment", "progress"} <= parameters.keys()
    for part, name, descriptor in bound_methods():
        function = descriptor.__get__(None, Store)
        assert not {"environment", "progress"} & inspect.signature(function).parameters.keys(), (
            part,
            name,
        )


def test_a_first_lock_needs_no_earlier_one(tmp_path: Path) -> None:
    assert new_store(tmp_path).datasets.lock([]).versions == ()
