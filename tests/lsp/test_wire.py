"""The started server, asked over its standard input and output by the client of an LSP library."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

from tests.lsp.conftest import FUNCTIONS, PROJECT, SCHEMA

TIMEOUT = 30
TEXT = """\
# 🙂 a line with a character that counts two
interpret: 1
mapping: own
version: 1
from: {object: chargebee.customer, as: customer}
to: salesforce.Account
use: [own]
let:
  title: shouted(customer.company)
key:
  match:
    - {field: chargebeeapps__CB_Id__c, with: customer.id}
fields:
  Name: title ?? customer.email ?? customer.id
  Description: "f'🙂 {title}'"
  chargebeeapps__CB_Id__c: customer.id
"""


class Editor:
    """A client with one server process; every call waits for its answer."""

    def __init__(self, folder: Path, encodings: list[types.PositionEncodingKind] | None = None) -> None:
        self.folder = folder
        self.uri = (folder / "mappings" / "own.map.yaml").as_uri()
        self.loop = asyncio.new_event_loop()
        self.code = -1
        self.gone = asyncio.Event()
        editor = self

        class Client(LanguageClient):
            async def server_exit(self, server: asyncio.subprocess.Process) -> None:
                editor.code = server.returncode if server.returncode is not None else -1
                editor.gone.set()

        self.client = Client("editor", "1")
        self.findings: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.version = 0

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.findings.put_nowait(params)

        self.wait(self.client.start_io(sys.executable, "-m", "fieldwright", "lsp", "--stdio"))
        self.capabilities = self.wait(
            self.client.initialize_async(
                types.InitializeParams(
                    capabilities=types.ClientCapabilities(
                        general=types.GeneralClientCapabilities(position_encodings=encodings)
                    ),
                    root_uri=folder.as_uri(),
                )
            )
        ).capabilities
        self.client.initialized(types.InitializedParams())

    def wait(self, answer: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(answer, TIMEOUT))

    def open(self, text: str, uri: str = "") -> list[types.Diagnostic]:
        """Open a file; its findings."""
        self.version += 1
        item = types.TextDocumentItem(uri or self.uri, "yaml", self.version, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return self.published(uri or self.uri, self.version)

    def change(self, text: str) -> list[types.Diagnostic]:
        """Type; the findings after that."""
        self.type(text)
        return self.published(self.uri, self.version)

    def type(self, text: str) -> None:
        self.version += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.version, self.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def close(self) -> None:
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(self.here))

    def published(self, uri: str, version: int | None = None) -> list[types.Diagnostic]:
        """The findings that are published next for a file (for a version of its text)."""
        while True:
            params = self.wait(self.findings.get())
            if params.uri == uri and version in (None, params.version):
                return list(params.diagnostics)

    @property
    def here(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(self.uri)

    def stop(self) -> int:
        """End the server as the protocol asks; its exit code."""
        self.wait(self.client.shutdown_async(None))
        self.client.exit(None)
        self.wait(self.gone.wait())
        self.wait(self.client.stop())  # type: ignore[no-untyped-call]
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        return self.code


def place(text: str, before: str, units: int = 2) -> types.Position:
    """The position after a piece of text; characters beyond the basic plane count `units`."""
    offset = text.index(before) + len(before)
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return types.Position(text.count("\n", 0, offset), sum(units if char > "\uffff" else 1 for char in line))


@contextlib.contextmanager
def started(folder: Path, encodings: list[types.PositionEncodingKind] | None = None) -> Iterator[Editor]:
    editor = Editor(folder, encodings)
    try:
        yield editor
    finally:
        code = editor.stop()
    assert code == 0, "a server that was asked to end ends with 0"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop").resolve()
    for path, text in {"interpret.yaml": PROJECT, "schema/own.yaml": SCHEMA, "functions/own.yaml": FUNCTIONS}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def server(shop: Path) -> Iterator[Editor]:
    with started(shop) as editor:
        yield editor


@pytest.fixture
def editor(server: Editor) -> Iterator[Editor]:
    server.open(TEXT)
    yield server
    server.close()
    while not server.findings.empty():
        server.findings.get_nowait()


def errors(found: list[types.Diagnostic]) -> list[object]:
    return [one.code for one in found if one.severity == types.DiagnosticSeverity.Error]


def test_findings_come_while_typing_and_go_when_the_mistake_does(editor: Editor) -> None:
    wrong = editor.change(TEXT.replace("customer.email", "customer.emial"))
    right = editor.change(TEXT)

    assert [one.code for one in wrong if one.code == "DM101"] == ["DM101"]
    assert errors(right) == []


def test_a_finding_stands_at_its_place_and_says_the_remedy(editor: Editor) -> None:
    text = TEXT.replace("f'🙂 {title}'", "f'🙂 {titel}'")
    found = next(one for one in editor.change(text) if one.code == "DM102")

    assert found.range == types.Range(place(text, "f'🙂 {"), place(text, "{titel"))
    assert found.source == "interpret"
    assert "did you mean `title`?" in found.message


def test_quick_typing_is_checked_once(editor: Editor) -> None:
    for word in ("e", "em", "ema", "emai"):
        editor.type(TEXT.replace("customer.email", f"customer.{word}"))
    found = editor.change(TEXT.replace("customer.email", "customer.phon"))

    assert ["phon" in one.message for one in found if one.code == "DM101"] == [True]


def test_completion_knows_the_text_as_it_is_typed(editor: Editor) -> None:
    text = TEXT.replace("?? customer.email", "?? customer.vat")
    editor.type(text)
    found = editor.wait(
        editor.client.text_document_completion_async(
            types.CompletionParams(editor.here, place(text, "?? customer.vat"))
        )
    )
    item = next(one for one in found.items if one.label == "vat_number")

    assert item.text_edit.new_text == "vat_number"
    assert item.text_edit.range == types.Range(place(text, "?? customer."), place(text, "?? customer.vat"))
    assert item.kind == types.CompletionItemKind.Field


def test_completion_after_an_emoji_replaces_the_right_stretch(editor: Editor) -> None:
    found = editor.wait(
        editor.client.text_document_completion_async(types.CompletionParams(editor.here, place(TEXT, "f'🙂 {ti")))
    )
    item = next(one for one in found.items if one.label == "title")

    assert item.text_edit.range == types.Range(place(TEXT, "f'🙂 {"), place(TEXT, "f'🙂 {title"))


def test_hover_shows_type_and_doc(editor: Editor) -> None:
    found = editor.wait(
        editor.client.text_document_hover_async(types.HoverParams(editor.here, place(TEXT, "title: shou")))
    )

    assert found.contents.kind == types.MarkupKind.Markdown
    assert "shouted(text: string?) -> string?" in found.contents.value
    assert found.range == types.Range(place(TEXT, "title: "), place(TEXT, "title: shouted"))


def test_definition_leads_into_another_file(editor: Editor, shop: Path) -> None:
    found = editor.wait(
        editor.client.text_document_definition_async(types.DefinitionParams(editor.here, place(TEXT, "title: shou")))
    )

    assert [(one.uri, one.range.start.line) for one in found] == [((shop / "functions" / "own.yaml").as_uri(), 3)]


def test_rename_changes_the_name_everywhere(editor: Editor) -> None:
    at = place(TEXT, "  ti")
    named = editor.wait(editor.client.text_document_prepare_rename_async(types.PrepareRenameParams(editor.here, at)))
    found = editor.wait(editor.client.text_document_rename_async(types.RenameParams(editor.here, at, "heading")))

    assert named.placeholder == "title"
    assert len(found.changes[editor.uri]) == 3
    assert {edit.new_text for edit in found.changes[editor.uri]} == {"heading"}


def test_an_impossible_rename_says_why(editor: Editor) -> None:
    with pytest.raises(JsonRpcException, match="name of the language"):
        editor.wait(
            editor.client.text_document_rename_async(types.RenameParams(editor.here, place(TEXT, "  ti"), "settings"))
        )


def test_a_fix_is_offered_for_its_finding(editor: Editor) -> None:
    text = TEXT.replace("customer.email", "customer.emial")
    found = next(one for one in editor.change(text) if one.code == "DM101")
    offered = editor.wait(
        editor.client.text_document_code_action_async(
            types.CodeActionParams(editor.here, found.range, types.CodeActionContext([found]))
        )
    )
    action = next(one for one in offered if one.diagnostics[0].code == "DM101")

    assert action.kind == types.CodeActionKind.QuickFix
    assert list(action.diagnostics) == [found]
    assert [edit.new_text for edit in action.edit.changes[editor.uri]] == ["email"]


def test_formatting_is_that_of_the_command(editor: Editor) -> None:
    text = TEXT.replace("title ?? customer.email", "title??customer.email")
    editor.type(text)
    found = editor.wait(
        editor.client.text_document_formatting_async(
            types.DocumentFormattingParams(editor.here, types.FormattingOptions(2, True))
        )
    )

    assert "Name: title ?? customer.email ?? customer.id\n" in found[0].new_text
    assert "# 🙂" in found[0].new_text


def test_files_of_other_tools_are_left_alone(editor: Editor, shop: Path) -> None:
    uri = (shop / "docker-compose.yaml").as_uri()
    item = types.TextDocumentItem(uri, "yaml", 1, "services: {web: {image: nginx}}\n")
    editor.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    found = editor.wait(
        editor.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(0, 2))
        )
    )

    assert found is None
    assert errors(editor.change(TEXT + "# more\n")) == []
    assert editor.findings.empty()


def test_what_is_wrong_in_another_file_is_published_too(editor: Editor, shop: Path) -> None:
    uri = (shop / "functions" / "own.yaml").as_uri()
    editor.open(FUNCTIONS, uri)
    document = types.VersionedTextDocumentIdentifier(1000, uri)
    renamed = types.TextDocumentContentChangeWholeDocument(FUNCTIONS.replace("shouted", "yelled"))
    editor.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [renamed]))

    assert "DM104" in errors(editor.published(editor.uri))
    editor.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
    assert errors(editor.published(editor.uri)) == []


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", 4)])
def test_columns_are_counted_as_the_client_asks(shop: Path, encoding: str, units: int) -> None:
    with started(shop, [types.PositionEncodingKind(encoding)]) as editor:
        text = TEXT.replace("f'🙂 {title}'", "f'🙂 {titel}'")
        found = next(one for one in editor.open(text) if one.code == "DM102")

        assert editor.capabilities.position_encoding == types.PositionEncodingKind(encoding)
        assert found.range.start == place(text, "f'🙂 {", units)


def test_nothing_but_the_server_pays_for_the_protocol() -> None:
    modules = "fieldwright.cli, fieldwright.commands.lsp, fieldwright.lsp.completion, fieldwright.lsp.rename"
    program = f"import sys, {modules}; print([name for name in sys.modules if 'pygls' in name or 'lsprotocol' in name])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=TIMEOUT)

    assert found.stdout.strip() == "[]"
