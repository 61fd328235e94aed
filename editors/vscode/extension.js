// Starts `interpret lsp` and hands it every YAML file; the server itself tells which of them are mapping files.

const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const command = workspace.getConfiguration("fieldwright").get("command", "interpret");
  const server = { command, args: ["lsp"] };
  client = new LanguageClient("fieldwright", "fieldwright", server, {
    documentSelector: [{ language: "yaml" }],
    synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.{yaml,yml}") },
  });
  try {
    await client.start();
  } catch (error) {
    const hint = "pip install 'fieldwright[lsp]', or set fieldwright.command to the full path of `interpret`";
    window.showErrorMessage(`The language server \`${command} lsp\` does not start: ${hint}. ${error.message}`);
  }
}

async function stop() {
  const running = client;
  client = undefined;
  if (running !== undefined && running.isRunning()) {
    await running.stop();
  }
}

async function activate(context) {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(commands.registerCommand("fieldwright.restart", restart));
  context.subscriptions.push(
    workspace.onDidChangeConfiguration((change) => change.affectsConfiguration("fieldwright.command") && restart()),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
