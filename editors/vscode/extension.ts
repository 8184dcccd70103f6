// Starts the language server of the package "flambeau" that is installed in the workspace.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, resolve } from 'node:path'
import {
  commands,
  Disposable,
  type ExtensionContext,
  LogLevel,
  type LogOutputChannel,
  type Uri,
  window,
  workspace,
} from 'vscode'
import { LanguageClient, type ServerOptions, TransportKind } from 'vscode-languageclient/node'

/** A language server that can be started. */
interface Server {
  readonly main: string
  readonly folder: string
}

const mainFile = join('dist', 'cli', 'main.js')

let client: LanguageClient | undefined
// A client that is starting cannot be stopped, so one step waits for the other.
let lastStep = Promise.resolve()

export async function activate({ subscriptions }: ExtensionContext): Promise<void> {
  const output = window.createOutputChannel('flambeau', { log: true })
  const restart = (): Promise<void> => enqueue(() => stop().then(() => start(output)))
  subscriptions.push(
    output,
    commands.registerCommand('flambeau.restart', restart),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('flambeau')) void restart()
    }),
  )
  await restart()
}

export function deactivate(): Promise<void> {
  return enqueue(stop)
}

function enqueue(step: () => Promise<void>): Promise<void> {
  lastStep = lastStep.then(step)
  return lastStep
}

async function start(output: LogOutputChannel): Promise<void> {
  const folders = (workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file')
  const server = folders.map(({ uri }) => findServer(uri)).find((found) => found !== undefined)
  if (!server) {
    const message = missingServer(folders.map(({ uri }) => uri))
    // Most folders with YAML files have nothing to do with flambeau.
    if (folders.some(({ uri }) => usesFlambeau(uri))) void window.showWarningMessage(message)
    else output.info(message)
    return
  }
  client = new LanguageClient('flambeau', 'flambeau', executable(server), {
    documentSelector: [{ scheme: 'file', language: 'yaml' }],
    diagnosticCollectionName: 'flambeau',
    outputChannel: output,
    traceOutputChannel: traceChannel(output),
  })
  // The client itself shows why it failed.
  await client.start().catch(() => {})
}

async function stop(): Promise<void> {
  // A client that failed to start rejects, and has nothing to stop.
  await client?.dispose().catch(() => {})
  client = undefined
}

// The "node" of the user and not the one inside the editor: the server imports the modules of the project.
function executable({ main, folder }: Server): ServerOptions {
  // This transport adds "--stdio".
  return { command: 'node', args: [main, 'lsp'], transport: TransportKind.stdio, options: { cwd: folder } }
}

function findServer(uri: Uri): Server | undefined {
  const folder = uri.fsPath
  const setting = serverPath(uri)
  const path = setting ? resolve(folder, setting) : installedPackage(folder)
  if (!path) return undefined
  const main = extname(path) === '.js' ? path : join(path, mainFile)
  return existsSync(main) ? { main, folder } : undefined
}

function serverPath(uri: Uri): string {
  return workspace.getConfiguration('flambeau', uri).get('server.path', '')
}

/**
 * Returns a channel for the messages of the protocol. The client writes them while the log level of this channel is Trace,
 * which here depends on the setting alone.
 */
function traceChannel(output: LogOutputChannel): LogOutputChannel {
  const setting = workspace.getConfiguration('flambeau').get('trace.server', 'off')
  return {
    ...output,
    logLevel: setting === 'off' ? LogLevel.Info : LogLevel.Trace,
    onDidChangeLogLevel: () => new Disposable(() => {}),
    trace: (message) => output.info(message),
  }
}

/** The folder of the package that a module in a folder would import. */
function installedPackage(folder: string): string | undefined {
  try {
    return dirname(createRequire(join(folder, 'package.json')).resolve('flambeau/package.json'))
  } catch {
    return undefined
  }
}

/** Whether a folder names flambeau, in its settings or in its package.json. */
function usesFlambeau(uri: Uri): boolean {
  if (serverPath(uri) !== '') return true
  try {
    return readFileSync(join(uri.fsPath, 'package.json'), 'utf8').includes('"flambeau"')
  } catch {
    return false
  }
}

function missingServer(uris: readonly Uri[]): string {
  const setting = uris.map(serverPath).find((path) => path !== '')
  return setting
    ? `The setting "flambeau.server.path" is "${setting}", but it has to name the folder of the package "flambeau", or ` +
        `"${mainFile}" in it: correct or remove the setting`
    : 'The package "flambeau" is not installed in the workspace: type "npm install flambeau" in its folder, then run ' +
        'the command "flambeau: Restart Language Server"'
}
