"""The costly steps of checking a project, each about one document or one library.

The passes of `fieldwright.dsl.pipeline` call them here and not directly, so that whoever checks a project again and
again (an editor, at every keystroke) can remember outcomes: it passes a subclass that answers from memory where nothing
that a step looks at has changed. Every step is a function of its arguments alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fieldwright.dsl.allowances import apply_allowances
from fieldwright.dsl.checking import Surroundings
from fieldwright.dsl.declared import declare_schemas
from fieldwright.dsl.diagnostics import Diagnostic
from fieldwright.dsl.document import Document
from fieldwright.dsl.library import Library, build_libraries
from fieldwright.dsl.link import link_mapping
from fieldwright.dsl.linked import LinkedMapping
from fieldwright.dsl.lint.rules import find_secrets, lint_mapping
from fieldwright.dsl.mapping import Mapping as MappingRules
from fieldwright.dsl.mappingdocument import build_mapping
from fieldwright.dsl.overlay import apply_overlays
from fieldwright.dsl.schema import Schemas
from fieldwright.dsl.source import SourceFile

Found = tuple[Diagnostic, ...]


class Steps:
    """The steps as they are: nothing is remembered."""

    def effective(self, base: Document, overlays: tuple[Document, ...]) -> tuple[MappingRules, Found]:
        """The mapping that a document and the overlays on it describe."""
        merged, found = apply_overlays(base, overlays)
        return build_mapping(merged, tuple(overlay.name for overlay in overlays)), found

    def schemas(self, documents: tuple[Document, ...], shipped: Schemas) -> tuple[Schemas, Found]:
        """The shipped schemas with the custom fields that schema documents declare."""
        return declare_schemas(documents, shipped)

    def libraries(self, documents: tuple[Document, ...], schemas: Schemas) -> tuple[Mapping[str, Library], Found]:
        """Libraries by name."""
        return build_libraries(documents, schemas)

    def link(self, mapping: MappingRules, around: Surroundings) -> tuple[LinkedMapping, Found]:
        """One mapping with its names resolved and its expressions checked."""
        return link_mapping(mapping, around)

    def lint(self, linked: LinkedMapping) -> Found:
        """What the registered rules say about one mapping."""
        return tuple(lint_mapping(linked))

    def secrets(self, document: Document) -> Found:
        """Texts in one document that look like secrets."""
        return tuple(find_secrets(document))

    def allow(self, files: Sequence[SourceFile], found: list[Diagnostic]) -> list[Diagnostic]:
        """The findings without those that comments allow, and findings about such comments."""
        return apply_allowances(files, found)
