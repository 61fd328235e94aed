"""All rules, in the order in which they run: existence before types before contents."""

from __future__ import annotations

from fieldwright.dsl.lint import contents, keys, targets, unused
from fieldwright.dsl.lint import types as type_rules
from fieldwright.dsl.lint.registry import lint_mapping
from fieldwright.dsl.lint.secrets import find_secrets

RULE_MODULES = (targets, type_rules, contents, keys, unused)

__all__ = ["RULE_MODULES", "find_secrets", "lint_mapping"]
