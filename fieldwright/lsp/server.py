"""The protocol: requests of an editor -> answers of the features, over standard input and output.

The only module that knows pygls. Whole texts are synchronised: mapping files are small, and pygls counts other line
ends than YAML does when it applies partial changes. Findings are published a moment after the last key, for what was
edited and for every other file whose findings have changed by it; all other answers come from the texts as they are
at that moment.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from pathlib import Path
from typing import Final

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from fieldwright import __version__
from fieldwright.dsl.diagnostics import Diagnostic, Severity
from fieldwright.dsl.source import SourceFile, Span
from fieldwright.lsp import actions, completion, definition, formatting, hover, rename
from fieldwright.lsp.answers import Item, ItemKind
from fieldwright.lsp.positions import Units, to_offset, to_position
from fieldwright.lsp.projects import View, Workshop, Workshops, concerns, location

PAUSE: Final = 0.05
"""Seconds after the last change before findings are published."""

_log = logging.getLogger(__name__)

_SEVERITY: Final = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}
_ITEM: Final = {
    ItemKind.KEY: types.CompletionItemKind.Property,
    ItemKind.FIELD: types.CompletionItemKind.Field,
    ItemKind.VARIABLE: types.CompletionItemKind.Variable,
    ItemKind.FUNCTION: types.CompletionItemKind.Function,
    ItemKind.VALUE: types.CompletionItemKind.EnumMember,
    ItemKind.OBJECT: types.CompletionItemKind.Class,
    ItemKind.TYPE: types.CompletionItemKind.TypeParameter,
    ItemKind.WORD: types.CompletionItemKind.Keyword,
    ItemKind.DOCUMENT: types.CompletionItemKind.Module,
}


class Server(LanguageServer):
    """The server with the projects that files are open of."""

    def __init__(self) -> None:
        super().__init__("interpret", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.projects = Workshops()
        self.published: dict[str, tuple[int | None, tuple[Diagnostic, ...]]] = {}
        self.waiting: asyncio.TimerHandle | None = None
        self.settled = False

    # --- texts --------------------------------------------------------------------------------------------------------

    def take(self, uri: str, text: str) -> None:
        """The text of an open file as it is now."""
        path = path_of(uri)
        if path is None or not concerns(path, text):
            self.drop(uri)
            return
        self.projects.of(path).open(str(path), text)
        self.publish_soon()

    def drop(self, uri: str) -> None:
        """A file that is open no longer, or is none of ours."""
        path = path_of(uri)
        if path is not None and any(str(path) in workshop.open_paths for workshop in self.projects):
            self.projects.of(path).close(str(path))
            self.publish_soon()

    def at(self, uri: str) -> tuple[SourceFile, View] | None:
        """The file and its project as they are now; None for files that are none of ours."""
        path = path_of(uri)
        if path is None or not any(str(path) in workshop.open_paths for workshop in self.projects):
            return None
        view = self.projects.of(path).view()
        file = view.files.get(str(path))
        return None if file is None else (file, view)

    # --- findings -----------------------------------------------------------------------------------------------------

    def publish_soon(self) -> None:
        """Publish when no key was pressed for a moment."""
        if self.waiting is not None:
            self.waiting.cancel()
        self.waiting = asyncio.get_running_loop().call_later(PAUSE, self.publish)

    def publish(self) -> None:
        """Send the findings of every file that has been edited, or whose findings have changed."""
        self.waiting = None
        now: dict[str, tuple[int | None, tuple[Diagnostic, ...]]] = {}
        for workshop in self.projects:
            for path, findings in _findings(workshop).items():
                opened = self.workspace.text_documents.get(self.uri_of(path))
                now[path] = (opened.version if opened is not None else None, findings)
        for path, (version, findings) in now.items():
            if self.published.get(path) != (version, findings):
                self._send(path, version, findings)
        for path in self.published.keys() - now.keys():
            self._send(path, None, ())
        self.published = now
        if not self.settled:
            # What the first check remembers lives as long as the editor: collections must not walk it at every key.
            self.settled = True
            gc.collect()
            gc.freeze()

    def _send(self, path: str, version: int | None, findings: tuple[Diagnostic, ...]) -> None:
        shown = [self.diagnostic(finding) for finding in findings]
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(self.uri_of(path), shown, version))

    def diagnostic(self, finding: Diagnostic) -> types.Diagnostic:
        """A finding in the protocol's shape: message, words at the place and remedy, one a line."""
        hints = [text for text in (finding.help or finding.caret,) if text]
        return types.Diagnostic(
            range=self.range(finding.span),
            message="\n".join([finding.message, *hints]),
            severity=_SEVERITY[finding.severity],
            code=finding.code,
            source="interpret",
            related_information=[
                types.DiagnosticRelatedInformation(self.location(label.span), label.text) for label in finding.labels
            ]
            or None,
        )

    # --- places -------------------------------------------------------------------------------------------------------

    @property
    def units(self) -> Units:
        """In what the client counts columns."""
        agreed = self.workspace.position_encoding or types.PositionEncodingKind.Utf16
        return Units(str(getattr(agreed, "value", agreed)))

    def offset(self, file: SourceFile, position: types.Position) -> int:
        """The character offset of a position."""
        return to_offset(file, position.line, position.character, self.units)

    def range(self, span: Span) -> types.Range:
        """The range of a span."""
        start = types.Position(*to_position(span.file, span.start, self.units))
        return types.Range(start, types.Position(*to_position(span.file, span.end, self.units)))

    def location(self, span: Span) -> types.Location:
        """The location of a span."""
        return types.Location(self.uri_of(span.file.path), self.range(span))

    def uri_of(self, path: str) -> str:
        """The address of a file; that which the editor used, where it is open."""
        wanted = location(path)
        for uri in self.workspace.text_documents:
            if path_of(uri) == wanted:
                return str(uri)
        return wanted.as_uri()

    def edits(self, found: tuple[tuple[Span, str], ...]) -> list[types.TextEdit]:
        """Replacements in one file."""
        return [types.TextEdit(self.range(span), text) for span, text in found]


def make_server() -> Server:
    """A server with all its features, not yet running."""
    server = Server()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.take(params.text_document.uri, params.text_document.text)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.take(uri, server.workspace.get_text_document(uri).source)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.drop(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if path is not None and concerns(path, ""):
            server.projects.of(path).reload()
            server.publish_soon()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed_on_disk(params: types.DidChangeWatchedFilesParams) -> None:
        for workshop in server.projects:
            workshop.reload()
        server.publish_soon()

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", " ", "'", '"', "<", "{"])
    )
    def complete(params: types.CompletionParams) -> types.CompletionList | None:
        here = server.at(params.text_document.uri)
        if here is None:
            return None
        file, view = here
        proposals = completion.complete(file, server.offset(file, params.position), view)
        replaced = server.range(proposals.span)
        return types.CompletionList(False, [_item(item, replaced) for item in proposals.items])

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def show(params: types.HoverParams) -> types.Hover | None:
        here = server.at(params.text_document.uri)
        found = hover.hover(here[0], server.offset(here[0], params.position), here[1]) if here else None
        if found is None:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, found.text), server.range(found.span))

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def define(params: types.DefinitionParams) -> list[types.Location]:
        here = server.at(params.text_document.uri)
        found = definition.definitions(here[0], server.offset(here[0], params.position), here[1]) if here else ()
        return [server.location(span) for span in found]

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        here = server.at(params.text_document.uri)
        named = rename.renamable(here[0], server.offset(here[0], params.position), here[1]) if here else None
        return None if named is None else types.PrepareRenamePlaceholder(server.range(named.span), named.name)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    def change_name(params: types.RenameParams) -> types.WorkspaceEdit | None:
        here = server.at(params.text_document.uri)
        named = rename.renamable(here[0], server.offset(here[0], params.position), here[1]) if here else None
        if here is None or named is None:
            return None
        try:
            edits = rename.rename(named, params.new_name, here[1])
        except rename.NotRenamed as reason:
            raise JsonRpcInvalidParams(str(reason)) from None
        return types.WorkspaceEdit({server.uri_of(path): server.edits(found) for path, found in edits.items()})

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]),
    )
    def offer(params: types.CodeActionParams) -> list[types.CodeAction]:
        here = server.at(params.text_document.uri)
        return [] if here is None else _actions(server, params, *here)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def format_text(params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        here = server.at(params.text_document.uri)
        made = formatting.formatted(here[0]) if here is not None else None
        if here is None or made is None or made == here[0].text:
            return None
        return server.edits(((Span(here[0], 0, len(here[0].text)), made),))

    return server


def path_of(uri: str) -> Path | None:
    """The file of an address; None for what lies in no file system. A text that was never saved counts as a file of its
    own in no project."""
    if uri.startswith("untitled:"):
        return Path("/", uri.replace(":", "-").replace("/", "-"))
    found = uris.to_fs_path(uri)
    return None if not found else Path(found).resolve()


def _findings(workshop: Workshop) -> dict[str, tuple[Diagnostic, ...]]:
    """The findings of the user's files. Notes are shown in open files only: they are no mistakes."""
    view = workshop.view()
    found = {path: view.by_path.get(path, ()) for path in view.editable}
    opened = set(workshop.open_paths)
    return {
        path: tuple(one for one in findings if path in opened or one.severity is not Severity.NOTE)
        for path, findings in found.items()
        if findings or path in opened
    }


def _item(item: Item, replaced: types.Range) -> types.CompletionItem:
    doc = types.MarkupContent(types.MarkupKind.Markdown, item.doc) if item.doc else None
    return types.CompletionItem(
        label=item.label,
        kind=_ITEM[item.kind],
        detail=item.detail or None,
        documentation=doc,
        sort_text=f"{item.rank}{item.label}",
        filter_text=item.label,
        text_edit=types.TextEdit(replaced, item.text),
    )


def _actions(server: Server, params: types.CodeActionParams, file: SourceFile, view: View) -> list[types.CodeAction]:
    start, end = server.offset(file, params.range.start), server.offset(file, params.range.end)
    only = params.context.only
    made: list[types.CodeAction] = []
    if only is None or any(
        types.CodeActionKind.QuickFix.value.startswith(str(getattr(one, "value", one))) for one in only
    ):
        for action in actions.actions(file, start, end, view):
            shown = [
                server.diagnostic(finding)
                for finding in view.by_path.get(file.path, ())
                if finding.code == action.code and finding.span == action.at
            ]
            edit = types.WorkspaceEdit(
                {server.uri_of(path): server.edits(found) for path, found in action.edits.items()}
            )
            made.append(
                types.CodeAction(
                    action.title,
                    types.CodeActionKind.QuickFix,
                    diagnostics=shown,
                    is_preferred=action.preferred,
                    edit=edit,
                )
            )
    if only is not None and any("source.fixAll".startswith(str(getattr(one, "value", one))) for one in only):
        safe = actions.safe_edits(file, view)
        if safe:
            edit = types.WorkspaceEdit({server.uri_of(file.path): server.edits(safe)})
            made.append(types.CodeAction("Fix what can be fixed safely", types.CodeActionKind.SourceFixAll, edit=edit))
    return made
