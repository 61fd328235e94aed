"""Calls checked: which function and signature is meant, and whether the arguments fit.

`x.f(y)` and `f(x, y)` are the same call. Of several signatures the first that fits the arguments is taken; a function
argument is checked once its parameters' types are known. Functions from mapping files are the business of `inlining`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fieldwright.dsl.expressions import core, tree
from fieldwright.dsl.expressions.constants import failing, known, outcomes
from fieldwright.dsl.expressions.foreign import remedy, renamed
from fieldwright.dsl.expressions.inlining import user_call
from fieldwright.dsl.expressions.lookups import LOOKUP, lookup_call
from fieldwright.dsl.expressions.scope import Binding, Shape
from fieldwright.dsl.expressions.shapes import (
    Misfit,
    common,
    convert,
    describe,
    named,
    shape_of,
    unify,
    without_slots,
)
from fieldwright.dsl.functions.calendar import check_form
from fieldwright.dsl.functions.dates import zone
from fieldwright.dsl.functions.patterns import compiled
from fieldwright.dsl.functions.registry import Function, FunctionPattern, Signature, functions
from fieldwright.dsl.nearest import did_you_mean, nearest
from fieldwright.dsl.types import Kind, Type
from fieldwright.dsl.values import EvaluationError

if TYPE_CHECKING:
    from fieldwright.dsl.expressions.check import Checker, Visited


def call(checker: Checker, node: tree.Call) -> Visited:
    """Check a call of any kind of function."""
    user = checker.scope.functions.get(node.name)
    if user is not None:
        return user_call(checker, node, user)
    if node.name == LOOKUP:
        return lookup_call(checker, node)
    builtin = functions().get(node.name)
    if builtin is not None:
        return _Call(checker, node, builtin).check()
    known = [*functions(), *checker.scope.functions]
    help_ = remedy(node.name)
    close = None if help_ else renamed(node.name, known) or nearest(node.name, known)
    place = (node.name_start, node.name_start + len(node.name))
    caret = f"did you mean `{close}`?" if close else "unknown function"
    checker.problem("DM104", f"there is no function `{node.name}`", *place, caret, help_, close)
    for part in (*node.args, *(value for _, value in node.named)):
        if not isinstance(part, tree.Lambda):
            checker.visit(part)
    return checker.error(node)


class _Call:
    """One call of a built-in function while it is checked."""

    def __init__(self, checker: Checker, node: tree.Call, function: Function) -> None:
        self.checker = checker
        self.node = node
        self.function = function
        self.name_place = (node.name_start, node.name_start + len(node.name))

    def check(self) -> Visited:
        node, checker = self.node, self.checker
        given = [None if isinstance(part, tree.Lambda) else checker.visit(part) for part in node.args]
        named: dict[str, tuple[tree.Node, Visited | None]] = {}
        fallback: tuple[tree.Node, Visited] | None = None
        for key, value in node.named:
            if key == "else":
                fallback = (value, checker.visit(value))
            elif isinstance(value, tree.Lambda):
                named[key] = (value, None)
            else:
                named[key] = (value, checker.visit(value))
        if any(part is not None and part[1].type.kind is Kind.ERROR for part in given):
            return checker.error(node)
        best: tuple[int, int, list[tree.Node], Misfit | None] | None = None
        for number, signature in enumerate(self.function.signatures):
            arranged = self.arrange(signature, given, named)
            if arranged is None:
                continue
            nodes, visited, missing = arranged
            misfit_at, misfit = self.fit(signature, nodes, visited)
            if misfit is None:
                return self.made(number, signature, nodes, visited, missing, fallback)
            if best is None or misfit_at > best[1] or misfit.nulls:
                best = (number, misfit_at, nodes, misfit)
        if best is None:
            self.wrong_count(len(given), named)
        elif best[3] is not None:
            self.misfit(self.function.signatures[best[0]], best[1], best[2], best[3], given)
        return checker.error(node)

    def arrange(
        self,
        signature: Signature,
        given: list[Visited | None],
        named: dict[str, tuple[tree.Node, Visited | None]],
    ) -> tuple[list[tree.Node], list[Visited | None], int] | None:
        """Arguments in the order of the signature, or None when number and names do not fit. The last number counts
        parameters that take their default."""
        params = signature.params
        nodes = list(self.node.args)
        visited = list(given)
        if params and params[-1].many:
            return None if named or len(nodes) < max(len(params), 2) else (nodes, visited, 0)
        if len(nodes) > len(params) or not set(named) <= {param.name for param in params[len(nodes) :]}:
            return None
        missing = 0
        for param in params[len(nodes) :]:
            if param.name in named:
                if missing:
                    return None
                node, made = named[param.name]
                nodes.append(node)
                visited.append(made)
            elif param.optional:
                missing += 1
            else:
                return None
        return nodes, visited, missing

    def fit(
        self, signature: Signature, nodes: list[tree.Node], visited: list[Visited | None]
    ) -> tuple[int, Misfit | None]:
        """The first argument that does not fit, functions only by the number of their parameters."""
        bound: dict[str, Shape] = {}
        for at, (node, made) in enumerate(zip(nodes, visited, strict=True)):
            param = signature.params[min(at, len(signature.params) - 1)]
            if isinstance(param.pattern, FunctionPattern) or isinstance(node, tree.Lambda):
                wanted = len(param.pattern.params) if isinstance(param.pattern, FunctionPattern) else -1
                if not isinstance(node, tree.Lambda) or len(node.params) != wanted:
                    return at, Misfit(describe(param.pattern))
                continue
            assert made is not None
            misfit = unify(param.pattern, made[1].required(), bound)
            if misfit is not None:
                return at, misfit
        return 0, None

    def made(
        self,
        number: int,
        signature: Signature,
        nodes: list[tree.Node],
        visited: list[Visited | None],
        missing: int,
        fallback: tuple[tree.Node, Visited] | None,
    ) -> Visited:
        """The checked call."""
        checker = self.checker
        bound: dict[str, Shape] = {}
        args: list[core.Core] = []
        strict: list[int] = []
        nullable = signature.nullable
        for at, (node, made) in enumerate(zip(nodes, visited, strict=True)):
            param = signature.params[min(at, len(signature.params) - 1)]
            if isinstance(node, tree.Lambda):
                assert isinstance(param.pattern, FunctionPattern)
                function = self.function_argument(node, param.pattern, bound)
                if function is None:
                    return checker.error(self.node)
                args.append(function)
                continue
            assert made is not None
            shape = made[1]
            unify(param.pattern, shape.required(), bound)
            if not param.nullable:
                strict.append(at)
                nullable = nullable or shape.type.nullable
            args.append(made[0])
        for at, made in enumerate(visited):
            if made is not None:
                param = signature.params[min(at, len(signature.params) - 1)]
                args[at] = convert(args[at], made[1], shape_of(param.pattern, bound))
        for param in signature.params[len(nodes) : len(nodes) + missing]:
            type_ = Type(Kind.INT) if isinstance(param.default, int) else Type(Kind.STRING)
            args.append(core.Const(type_, *checker.at(self.node), param.default))
        if not self.known_texts(signature, args) and fallback is None and signature.fallible:
            failing(checker, self.node, lambda: signature.evaluate(*[known(arg) for arg in args]))
        shape = shape_of(signature.result, bound)
        if shape.type.kind is Kind.STRING and visited and visited[0] is not None:
            shape = outcomes(signature.evaluate, visited[0][1].type, args[1:]) or shape
        if nullable:
            shape = shape.optional()
        otherwise: core.Core | None = None
        if fallback is not None:
            merged = self.fallback(signature, shape, fallback)
            if merged is None:
                return checker.error(self.node)
            otherwise = convert(fallback[1][0], fallback[1][1], merged)
            shape = merged
        made_call = core.Invoke(
            shape.type, *checker.at(self.node), self.function, number, tuple(args), otherwise, tuple(strict)
        )
        return made_call, shape

    def fallback(self, signature: Signature, shape: Shape, fallback: tuple[tree.Node, Visited]) -> Shape | None:
        node, (_, given) = fallback
        if not signature.fallible:
            message = f"`{self.function.name}` cannot fail, so it takes no `else=`"
            self.checker.problem("DM113", message, node.start, node.end, "never used", "for null use `??`")
            return None
        merged = common(shape, given)
        if merged is None:
            message = f"`else=` has the type of the result, {shape.type}; this is {given.type}"
            self.checker.problem("DM207", message, node.start, node.end, str(given.type))
        return merged

    def function_argument(
        self, node: tree.Lambda, pattern: FunctionPattern, bound: dict[str, Shape]
    ) -> core.Lambda | None:
        checker = self.checker
        shapes = [shape_of(param, bound) for param in pattern.params]
        slots = tuple(checker.fresh(name) for name in node.params)
        outer = checker.names
        checker.names = dict(outer)
        for name, slot, shape in zip(node.params, slots, shapes, strict=True):
            if name in checker.scope.names and not checker.inlining:
                message = f"`{name}` already names something else here"
                checker.problem("DM118", message, node.start, node.start + len(name), "taken", "choose another name")
            checker.names[name] = Binding(shape, "param", slot)
        made: core.Core
        if describe_is_condition(pattern):
            made, _ = checker.condition(node.body)
            result = Shape(made.type)
        else:
            made, result = checker.visit(node.body)
        checker.names = outer
        if result.type.kind is Kind.ERROR:
            return None
        result = without_slots(result, slots)
        misfit = None if describe_is_condition(pattern) else unify(pattern.result, result, bound)
        if misfit is not None:
            message = f"`{self.function.name}` needs {misfit.wanted} here; this is {result.type}"
            checker.problem("DM205", message, node.body.start, node.body.end, str(result.type))
            return None
        return core.Lambda(made.type, *checker.at(node), slots, made)

    def known_texts(self, signature: Signature, args: list[core.Core]) -> bool:
        """A zone, pattern or form that is written in the expression is tried out now; whether one is wrong."""
        before = len(self.checker.problems)
        for param, arg in zip(signature.params, args, strict=False):
            said = _TRIED.get(param.name)
            if said is not None and isinstance(arg, core.Const) and isinstance(arg.value, str):
                code, caret, attempt = said
                try:
                    attempt(self.function.name, arg.value)
                except EvaluationError as error:
                    self.checker.problem(code, error.reason, arg.start, arg.end, caret, error.fix)
        return len(self.checker.problems) > before

    def wrong_count(self, count: int, named: dict[str, tuple[tree.Node, Visited | None]]) -> None:
        node = self.node
        for key, (value, _) in named.items():
            if all(key not in (param.name for param in each.params) for each in self.function.signatures):
                names = [param.name for each in self.function.signatures for param in each.params]
                caret = did_you_mean(key, names) or "unknown argument"
                message = f"`{node.name}` has no argument `{key}`"
                help_ = f"it takes {', '.join(dict.fromkeys(names))}"
                if any(each.fallible for each in self.function.signatures):
                    help_ += "; what counts when it fails is `else=`"
                self.checker.problem("DM113", message, value.start, value.end, caret, help_)
                return
        forms = "; ".join(each.text for each in self.function.signatures)
        caret = f"{count} given" if not node.method else f"{count - 1} given, and what stands before the point"
        help_ = f"write it as {forms}"
        if node.name == "date" and count == 1:
            help_ = "a moment becomes a date only in a zone: `.date(settings.timezone)`"
        elif node.name == "join" and count == 1:
            help_ = "say what stands between the texts: `join([a, b], ' ')`"
        elif node.args and isinstance(node.args[-1], tree.Lambda):
            help_ = f"compute the values first: `.map(x -> ..).{node.name}()`"
        message = f"`{node.name}` does not take these arguments"
        self.checker.problem("DM113", message, *self.name_place, caret, help_)

    def misfit(
        self, signature: Signature, at: int, nodes: list[tree.Node], misfit: Misfit, given: list[Visited | None]
    ) -> None:
        node = nodes[at]
        visited = given[at] if at < len(given) else None
        shown = "`->`" if visited is None else named(visited[1].type)
        if misfit.nulls:
            message = f"`{self.node.name}` needs {misfit.wanted} without null; this is {shown}"
            help_ = "replace null in each element by `?? ..`, or leave them out with compact()"
            self.checker.problem("DM212", message, node.start, node.end, "elements may be null", help_)
            return
        help_ = f"it is written {signature.text}"
        if visited is not None and visited[1].type.kind is Kind.ANY:
            help_ = "say first what it is: text(x), int(x), decimal(x), bool(x), elements(x), or .get('key')"
            message = "the type of this value is not known"
            self.checker.problem("DM216", message, node.start, node.end, "type any", help_)
            return
        if self.node.name == "date" and visited is not None and visited[1].type.kind is Kind.TIMESTAMP:
            message = "a moment becomes a date only in a zone"
            help_ = "name the zone: `.date(settings.timezone)` or `.date('Europe/Berlin')`"
            self.checker.problem("DM213", message, *self.name_place, "which zone?", help_)
            return
        param = signature.params[min(at, len(signature.params) - 1)]
        wanted = f"a function `{misfit.wanted}`" if "->" in misfit.wanted else misfit.wanted
        wanted = wanted.replace("``", "`")
        message = f"`{param.name}` of `{self.node.name}` is {wanted}; this is {shown}"
        if visited is not None:
            help_ = _conversion(self.node.name, param.name, visited[1].type.kind) or help_
        self.checker.problem("DM205", message, node.start, node.end, shown, help_)


_TRIED: Final[dict[str, tuple[str, str, Callable[[str, str], object]]]] = {
    "zone": ("DM218", "no such zone", lambda _, text: zone(text)),
    "pattern": ("DM219", "not a pattern", lambda _, text: compiled(text)),
    "form": ("DM219", "not a form", check_form),
}
"""Parameters whose texts can be wrong in themselves: code, caret, and what to try with function and text."""


def _conversion(name: str, param: str, given: Kind) -> str:
    """What may have been meant by an argument of another type; empty when nothing is more likely."""
    match name, given:
        case "join" | "concat", Kind.STRING | Kind.ENUM if param in ("items", "left", "right"):
            return "texts are put together in a list: `join([a, b], ' ')`"
        case "text", Kind.MONEY:
            return "write text(amount(x)), or format_money(x) for the currency with it"
        case "amount", Kind.INT | Kind.DECIMAL:
            return "this is a number already"
        case "text", Kind.LIST:
            return "put the elements together: `join(items, ', ')`"
        case _, Kind.RECORD if name in ("upper", "lower", "trim", "text"):
            return "name one of its fields: `record.field`"
        case _, Kind.MONEY if param in ("value", "values", "items"):
            return "take the number with amount(x)"
    return ""


def describe_is_condition(pattern: FunctionPattern) -> bool:
    """Whether a function argument yields true or false."""
    return describe(pattern.result) == "bool"
