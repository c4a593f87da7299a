"""Methods of the facade that are functions of lower layers, imported on first use.

``train = bound(lambda: stages.train_run)`` in a part of a store makes ``store.models.train(it)``
the same as ``train_run(store, it)``; ``help()`` shows the function itself.
"""

from collections.abc import Callable
from types import MethodType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from lyrikstore.context import StoreContext
from lyrikstore.history.repository.repository import Repository

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class part(Generic[R]):  # noqa: N801 - written as a decorator is
    """A part of the store, created on first use and then kept."""

    def __init__(self, load: Callable[[], Callable[[StoreContext], R]]) -> None:
        self._load = load

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, store: None, owner: type) -> Callable[[StoreContext], R]: ...
    @overload
    def __get__(self, store: StoreContext, owner: type) -> R: ...
    def __get__(self, store: StoreContext | None, owner: type) -> Callable[[StoreContext], R] | R:
        if store is None:
            return self._load()
        made = vars(store)[self._name] = self._load()(store)
        return made


class _Part(Protocol):
    """Protocol of a part of the facade."""

    @property
    def store(self) -> StoreContext:
        """The store of this part."""


class _Bound(Generic[S, P, R]):
    def __init__(self, load: Callable[[], Callable[Concatenate[S, P], R]]) -> None:
        self._load = load

    @overload
    def __get__(self, part: None, owner: type) -> Callable[Concatenate[S, P], R]: ...
    @overload
    def __get__(self, part: _Part, owner: type) -> Callable[P, R]: ...
    def __get__(self, part: _Part | None, owner: type) -> Callable[..., R]:
        function = self._load()
        return function if part is None else MethodType(function, self._of(part.store))

    def _of(self, store: StoreContext) -> Any:
        return store


class bound(_Bound[StoreContext, P, R]):  # noqa: N801 - it is written where a decorator would be
    """A method from a function whose first argument is the context."""


class bound_view(_Bound[Repository, P, R]):  # noqa: N801
    """A method from a function whose first argument is the repository, which it only reads."""

    def _of(self, store: StoreContext) -> Any:
        return store.repository
