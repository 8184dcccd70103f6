import { pathToFileURL } from 'node:url'
import {
  type CodeAction,
  type CompletionItem,
  type Connection,
  createConnection,
  type DocumentSymbol,
  type FoldingRange,
  type Hover,
  type InitializeResult,
  type Location,
  type Definition as LocationLink,
  type Range,
  type TextDocumentPositionParams,
  TextDocuments,
  type WorkspaceEdit,
} from 'vscode-languageserver/node'
import { TextDocument } from 'vscode-languageserver-textdocument'
import { isError } from '../util/thrown.js'
import { version } from '../version.js'
import { completionsAt, toCompletionItems } from './completion.js'
import { definitionAt } from './definition.js'
import { documentationOfTag } from './documentation.js'
import { hoverAt, type PositionRequest } from './hover.js'
import { rangeIn } from './positions.js'
import { quickFixesFor } from './quick-fixes.js'
import { nameSpan, referencesAt, refusalOfName, renamableAt } from './rename.js'
import { foldingsOf, symbolsOf } from './symbols.js'
import type { TagKnowledge } from './tag-knowledge.js'
import { type OpenFile, Workspace } from './workspace.js'

/** The numbers of the protocol for what an editor shows a person. */
const invalidRequest = -32600
const incremental = 2

/**
 * Serves an editor on standard input and output, in the Language Server Protocol
 * (https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/), until it says "exit" or closes
 * the streams.
 */
export function serve(): void {
  const connection = createConnection(process.stdin, process.stdout)
  // A mistake in one answer must not take all others from the editor.
  for (const event of ['uncaughtException', 'unhandledRejection'])
    process.on(event, (error: unknown) => console.error(isError(error) ? error.stack : error))
  new LanguageServer(connection).listen()
}

class LanguageServer {
  readonly #documents = new TextDocuments(TextDocument)
  readonly #workspace: Workspace
  /** The tags of the last completion, for the documentation of one of its items. */
  #completed: TagKnowledge | undefined

  constructor(readonly connection: Connection) {
    this.#workspace = new Workspace(connection)
  }

  listen(): void {
    const { connection } = this
    connection.onInitialize(() => capabilities)
    connection.onShutdown(() => this.#workspace.close())
    // However the server ends, the processes of the modules end with it.
    process.on('exit', () => this.#workspace.close())
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
    this.#listenToDocuments()
    connection.onCompletion((params) => this.#at(params, (request, file) => this.#complete(request, file)))
    connection.onCompletionResolve((item) => this.#document(item))
    connection.onHover((params) => this.#at(params, (request, file) => hover(request, file)))
    connection.onDefinition((params) => this.#at(params, (request, file) => definition(request, file)))
    connection.onReferences((params) =>
      this.#at(params, (request, file) => references(request, file, params.context.includeDeclaration)),
    )
    connection.onPrepareRename((params) =>
      this.#at(params, ({ outline, offset }, file) => {
        const span = renamableAt(outline, offset)
        return span ? file.rangeOf(span) : null
      }),
    )
    connection.onRenameRequest((params) =>
      this.#at(params, (request, file) => rename(request, file, params.newName)),
    )
    connection.onCodeAction(({ textDocument, range }) => this.#codeActions(textDocument.uri, range))
    connection.onDocumentSymbol(({ textDocument }) => this.#symbols(textDocument.uri))
    connection.onFoldingRanges(({ textDocument }) => this.#foldings(textDocument.uri))
    connection.listen()
  }

  #listenToDocuments(): void {
    const documents = this.#documents
    documents.onDidOpen(({ document }) => this.#workspace.open(document))
    documents.onDidChangeContent(({ document }) => this.#workspace.change(document))
    documents.onDidClose(({ document }) => this.#workspace.closeFile(document.uri))
    documents.onDidSave(() => this.#workspace.refresh())
    documents.listen(this.connection)
  }

  /** Answers a question about a position; `null` for files that are not open. */
  #at<T>(
    { textDocument, position }: TextDocumentPositionParams,
    answer: (request: PositionRequest, file: OpenFile) => T,
  ): T | null {
    const file = this.#workspace.file(textDocument.uri)
    if (!file) return null
    const offset = file.document.offsetAt(position)
    return answer({ outline: file.outline, offset, file: file.path, tags: file.tags }, file)
  }

  #complete(request: PositionRequest, file: OpenFile): CompletionItem[] {
    this.#completed = request.tags
    return toCompletionItems(completionsAt(request), (span) => file.rangeOf(span))
  }

  #document(item: CompletionItem): CompletionItem {
    const text = this.#completed && documentationOfTag(item.label, this.#completed)
    if (!item.documentation && text) item.documentation = { kind: 'markdown', value: text }
    return item
  }

  #codeActions(uri: string, { start, end }: Range): CodeAction[] {
    const file = this.#workspace.file(uri)
    if (!file) return []
    const { document } = file
    const [from, until] = [document.offsetAt(start), document.offsetAt(end)]
    const near = file.shown.filter(({ diagnostic: { range } }) => {
      return document.offsetAt(range.start) <= until && from <= document.offsetAt(range.end)
    })
    return quickFixesFor(near, file)
  }

  #symbols(uri: string): DocumentSymbol[] {
    const file = this.#workspace.file(uri)
    return file ? symbolsOf(file.outline, file.document) : []
  }

  #foldings(uri: string): FoldingRange[] {
    const file = this.#workspace.file(uri)
    return file ? foldingsOf(file.outline, file.document) : []
  }
}

const capabilities: InitializeResult = {
  capabilities: {
    textDocumentSync: { openClose: true, change: incremental, save: true },
    completionProvider: {
      resolveProvider: true,
      triggerCharacters: ['!', '*', '.', ' ', '/', '#', '[', '{'],
    },
    hoverProvider: true,
    definitionProvider: true,
    referencesProvider: true,
    renameProvider: { prepareProvider: true },
    codeActionProvider: { codeActionKinds: ['quickfix'] },
    documentSymbolProvider: true,
    foldingRangeProvider: true,
  },
  serverInfo: { name: 'flambeau', version },
}

function hover(request: PositionRequest, file: OpenFile): Hover | null {
  const found = hoverAt(request)
  if (!found) return null
  return { contents: { kind: 'markdown', value: found.markdown }, range: file.rangeOf(found.span) }
}

function definition(request: PositionRequest, file: OpenFile): LocationLink | null {
  const found = definitionAt(request)
  if (!found) return null
  if (found.kind === 'here') return { uri: file.document.uri, range: file.rangeOf(found.span) }
  if (found.kind === 'class') {
    const { file: path, line, column } = found.location
    const point = { line, character: column }
    return { uri: pathToFileURL(path).href, range: { start: point, end: point } }
  }
  const uri = pathToFileURL(found.file).href
  const document = TextDocument.create(uri, 'yaml', 0, found.text)
  return { uri, range: rangeIn(document, found.span) }
}

function references({ outline, offset }: PositionRequest, file: OpenFile, withAnchor: boolean): Location[] {
  return referencesAt(outline, offset)
    .filter(({ kind }) => withAnchor || kind === 'alias')
    .map((token) => ({ uri: file.document.uri, range: file.rangeOf(token) }))
}

function rename({ outline, offset }: PositionRequest, file: OpenFile, written: string): WorkspaceEdit | null {
  const group = referencesAt(outline, offset)
  if (group.length === 0) return null
  const name = written.replace(/^[&*]/, '')
  const refusal = refusalOfName(outline, group, name)
  if (refusal !== undefined) throw Object.assign(new Error(refusal), { code: invalidRequest })
  const edits = group.map((token) => ({ range: file.rangeOf(nameSpan(token)), newText: name }))
  return { changes: { [file.document.uri]: edits } }
}
