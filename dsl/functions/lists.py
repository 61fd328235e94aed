"""Functions on lists. Conditions given as arguments must yield true or false; lists keep their order.

A null element (the types say there is none, but the data had one) makes a sum or an extreme null, like arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

from fieldwright.dsl.functions.limits import MAX_LIST, bounded_int, bounded_list
from fieldwright.dsl.functions.numbers import order_key
from fieldwright.dsl.functions.registry import function
from fieldwright.dsl.values import DECIMAL_CONTEXT, EvaluationError, Money


def condition(value: Any) -> bool:
    """The truth of a condition; null is an error, because neither branch would be right."""
    if value is None:
        raise EvaluationError(
            "RT107", "a condition is null, neither true nor false", "compare with `is null` or replace null by ??"
        )
    return bool(value)


@function("list", "map(items: list<T>, value: (T) -> U?) -> list<U>", ("[1, 2].map(x -> x * 2)", [2, 4]))
def mapped(items: list[Any], value: Callable[[Any], Any]) -> list[Any]:
    """A list with the value for each element."""
    return [value(item) for item in items]


@function("list", "filter(items: list<T>, keep: (T) -> bool) -> list<T>", ("[1, 2, 3].filter(x -> x > 1)", [2, 3]))
def filtered(items: list[Any], keep: Callable[[Any], Any]) -> list[Any]:
    """The elements for which the condition holds."""
    return [item for item in items if condition(keep(item))]


@function("list", "any(items: list<T>, test: (T) -> bool) -> bool", ("[1, 2].any(x -> x > 1)", True))
def some(items: list[Any], test: Callable[[Any], Any]) -> bool:
    """Whether the condition holds for at least one element."""
    return any(condition(test(item)) for item in items)


@function("list", "all(items: list<T>, test: (T) -> bool) -> bool", ("[1, 2].all(x -> x > 1)", False))
def every(items: list[Any], test: Callable[[Any], Any]) -> bool:
    """Whether the condition holds for every element; true for none."""
    return all(condition(test(item)) for item in items)


@function("list", "find(items: list<T>, test: (T) -> bool) -> T?", ("[1, 2, 3].find(x -> x > 1)", 2))
def found(items: list[Any], test: Callable[[Any], Any]) -> Any:
    """The first element for which the condition holds; null when there is none."""
    return next((item for item in items if condition(test(item))), None)


@function("list", "count(items: list<T>) -> int", ("[1, 2].count()", 2), inline="len({0})")
def count(items: list[Any]) -> int:
    """The number of elements."""
    return len(items)


@function("list", "count(items: list<T>, test: (T) -> bool) -> int", ("[1, 2].count(x -> x > 1)", 1))
def count_of(items: list[Any], test: Callable[[Any], Any]) -> int:
    """The number of elements for which the condition holds."""
    return sum(1 for item in items if condition(test(item)))


@function("list", "first(items: list<T>) -> T?", ("first([1, 2])", 1), inline="({0}[0] if {0} else None)")
def first(items: list[Any]) -> Any:
    """The first element; null for an empty list."""
    return items[0] if items else None


@function("list", "last(items: list<T>) -> T?", ("last([1, 2])", 2), inline="({0}[-1] if {0} else None)")
def last(items: list[Any]) -> Any:
    """The last element; null for an empty list."""
    return items[-1] if items else None


@function("list", "list(value: T?) -> list<T>", ("list(1)", [1]), ("list(null)", []))
def listed(value: Any) -> list[Any]:
    """A list of the one value; empty for null."""
    return [] if value is None else [value]


@function("list", "compact(items: list<T?>) -> list<T>", ("compact([1, null])", [1]))
def compact(items: list[Any]) -> list[Any]:
    """The elements that are not null."""
    return [item for item in items if item is not None]


@function("list", "distinct(items: list<S>) -> list<S>", ("distinct([1, 2, 1])", [1, 2]))
def distinct(items: list[Any]) -> list[Any]:
    """Each value once, where it first occurs."""
    return list(dict.fromkeys(items))


@function("list", "contains(items: list<S>, value: S) -> bool", ("contains([1, 2], 2)", True), inline="({1} in {0})")
def list_contains(items: list[Any], value: Any) -> bool:
    """Whether the value is among the elements; the same as `value in items`."""
    return value in items


@function("list", "flatten(items: list<list<T>>) -> list<T>", ("flatten([[1, 2], [3]])", [1, 2, 3]), fallible=True)
def flatten(items: list[list[Any]]) -> list[Any]:
    """The elements of all lists in one list."""
    made: list[Any] = []
    for inner in items:
        made.extend(inner or ())
        bounded_list(made)
    return made


@function("list", "concat(left: list<T>, right: list<T>) -> list<T>", ("concat([1], [2])", [1, 2]), fallible=True)
def concat(left: list[Any], right: list[Any]) -> list[Any]:
    """The elements of one list and then those of another."""
    return bounded_list([*left, *right])


@function("list", "reverse(items: list<T>) -> list<T>", ("reverse([1, 2])", [2, 1]))
def reverse(items: list[Any]) -> list[Any]:
    """The elements in the opposite order."""
    return items[::-1]


@function("list", "take(items: list<T>, count: int) -> list<T>", ("[1, 2, 3].take(2)", [1, 2]))
def take(items: list[Any], count: int) -> list[Any]:
    """At most the first `count` elements."""
    return items[: max(count, 0)]


@function("list", "skip(items: list<T>, count: int) -> list<T>", ("[1, 2, 3].skip(2)", [3]))
def skip(items: list[Any], count: int) -> list[Any]:
    """The elements after the first `count`."""
    return items[max(count, 0) :]


@function("list", "sort(items: list<C>) -> list<C>", ("sort([2, 1])", [1, 2]))
def ordered(items: list[Any]) -> list[Any]:
    """The elements from small to large; null ones last."""
    values = [item for item in items if item is not None]
    return sorted(values, key=order_key(values)) + [None] * (len(items) - len(values))


@function("list", "sort(items: list<T>, by: (T) -> C?) -> list<T>", ("['bb', 'a'].sort(x -> x.length())", ["a", "bb"]))
def ordered_by(items: list[Any], by: Callable[[Any], Any]) -> list[Any]:
    """The elements in the order of the value that `by` yields, from small to large; those without one last."""
    keyed = [(by(item), item) for item in items]
    with_key = [pair for pair in keyed if pair[0] is not None]
    key = order_key([pair[0] for pair in with_key])
    with_key.sort(key=(lambda pair: pair[0]) if key is None else (lambda pair: key(pair[0])))
    return [item for _, item in with_key] + [item for value, item in keyed if value is None]


@function("list", "sum(items: list<int>) -> int", ("[1, 2].sum()", 3), fallible=True)
def sum_int(items: list[int]) -> int | None:
    """All elements added up; 0 for an empty list."""
    return None if None in items else bounded_int(sum(items))


@function("list", "sum(items: list<decimal>) -> decimal", ("[1.5, 2].sum()", Decimal("3.5")), fallible=True)
def sum_decimal(items: list[Decimal | None]) -> Decimal | None:
    """All elements added up; 0 for an empty list."""
    total = Decimal(0)
    try:
        for item in items:
            if item is None:
                return None
            total = DECIMAL_CONTEXT.add(total, item)
    except DecimalException:
        raise _too_large() from None
    return total


@function("list", "sum(items: list<money>) -> money?", ("[money(1, 'EUR'), money(2, 'EUR')].sum()", Money(300, "EUR")))
def sum_money(items: list[Money]) -> Money | None:
    """All amounts added up, in one currency; null for an empty list, which has none."""
    if not items or None in items:
        return None
    order_key(items)
    return Money(bounded_int(sum(item.minor for item in items)), items[0].currency)


@function("list", "product(items: list<int>) -> int", ("[2, 3].product()", 6), fallible=True)
def product_int(items: list[int]) -> int | None:
    """All elements multiplied; 1 for an empty list."""
    if None in items:
        return None
    made = 1
    for item in items:
        made = bounded_int(made * item)
    return made


@function("list", "product(items: list<decimal>) -> decimal", ("[0.5, 0.5].product()", Decimal("0.25")), fallible=True)
def product_decimal(items: list[Decimal]) -> Decimal | None:
    """All elements multiplied; 1 for an empty list."""
    made = Decimal(1)
    if None in items:
        return None
    try:
        for item in items:
            made = DECIMAL_CONTEXT.multiply(made, item)
    except DecimalException:
        raise _too_large() from None
    return made


@function("list", "avg(items: list<decimal>) -> decimal?", ("[1, 2.0].avg()", Decimal("1.5")), fallible=True)
def average(items: list[Decimal | None]) -> Decimal | None:
    """The arithmetic mean; null for an empty list."""
    total = sum_decimal(items)
    return DECIMAL_CONTEXT.divide(total, Decimal(len(items))) if items and total is not None else None


@function("list", "min(items: list<C>) -> C?", ("[2, 1].min()", 1))
def list_min(items: list[Any]) -> Any:
    """The smallest element; null for an empty list."""
    if not items or None in items:
        return None
    return min(items, key=order_key(items))


@function("list", "max(items: list<C>) -> C?", ("[2, 1].max()", 2))
def list_max(items: list[Any]) -> Any:
    """The largest element; null for an empty list."""
    if not items or None in items:
        return None
    return max(items, key=order_key(items))


@function(
    "list", "min_by(items: list<T>, by: (T) -> C?) -> T?", ("['bb', 'a'].min_by(x -> x.length())", "a"), fallible=True
)
def least(items: list[Any], by: Callable[[Any], Any]) -> Any:
    """The first element with the smallest value of `by`; null where no element has one."""
    return first(_keyed(items, by, last_first=False))


@function(
    "list", "max_by(items: list<T>, by: (T) -> C?) -> T?", ("['bb', 'a'].max_by(x -> x.length())", "bb"), fallible=True
)
def greatest(items: list[Any], by: Callable[[Any], Any]) -> Any:
    """The first element with the largest value of `by`; null where no element has one."""
    return first(_keyed(items, by, last_first=True))


def _keyed(items: list[Any], by: Callable[[Any], Any], *, last_first: bool) -> list[Any]:
    with_key = [(found, item) for item in items if (found := by(item)) is not None]
    key = order_key([found for found, _ in with_key])
    by_key: Callable[[Any], Any] = (lambda pair: pair[0]) if key is None else (lambda pair: key(pair[0]))
    return [item for _, item in sorted(with_key, key=by_key, reverse=last_first)]


@function(
    "list",
    "join(left: list<T>, right: list<U>, on: (T, U) -> bool) -> list<pair<T, U>>",
    ("[1, 2].join([2, 3], (l, r) -> l == r).map(p -> p.left + p.right)", [4]),
)
def join_lists(left: list[Any], right: list[Any], on: Callable[[Any, Any], Any]) -> list[dict[str, Any]]:
    """A record with `left` and `right` for every two elements that belong together."""
    made: list[dict[str, Any]] = []
    for one in left:
        for other in right:
            if condition(on(one, other)):
                made.append({"left": one, "right": other})
                if len(made) > MAX_LIST:
                    raise EvaluationError("RT109", f"a list is longer than {MAX_LIST} elements", "filter it first")
    return made


def _too_large() -> EvaluationError:
    return EvaluationError("RT103", "a number is too large", "check its origin")
