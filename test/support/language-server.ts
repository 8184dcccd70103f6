import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** What an editor sets: see https://github.com/redhat-developer/yaml-language-server#language-server-settings. */
export interface EditorSettings {
  readonly schemas: Record<string, string>
  readonly customTags: readonly string[]
}

export interface Diagnostic {
  readonly message: string
  readonly range: { readonly start: { readonly line: number; readonly character: number } }
}

export interface Completion {
  readonly label: string
  readonly insertText?: string
  readonly documentation?: unknown
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: any
  readonly result?: any
}

/** The real `yaml-language-server` in a process of its own, spoken to as an editor does. */
export class LanguageServer {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #settings: object
  readonly #waiting = new Set<(message: Message) => void>()
  #buffer = Buffer.alloc(0)
  #count = 0

  private constructor({ schemas, customTags }: EditorSettings) {
    this.#settings = { schemas, customTags, validate: true, completion: true, schemaStore: { enable: false } }
    const server = resolve('node_modules/yaml-language-server/bin/yaml-language-server')
    this.#process = spawn(process.execPath, [server, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process.stdout.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  static async start(settings: EditorSettings): Promise<LanguageServer> {
    const server = new LanguageServer(settings)
    const capabilities = { workspace: { configuration: true, didChangeConfiguration: {} } }
    await server.#ask('initialize', { processId: process.pid, rootUri: null, capabilities })
    server.#send({ method: 'initialized', params: {} })
    const configuration = { settings: { yaml: server.#settings } }
    server.#send({ method: 'workspace/didChangeConfiguration', params: configuration })
    return server
  }

  /** What the editor would underline in a file with this text. */
  async diagnose(text: string): Promise<Diagnostic[]> {
    const uri = this.#open(text)
    const said = await this.#next(({ method, params }) =>
      method === 'textDocument/publishDiagnostics' ? params.uri === uri : false,
    )
    return said.params.diagnostics
  }

  /** What the editor would offer where `|` stands in the text. */
  async complete(text: string): Promise<Completion[]> {
    const before = text.slice(0, text.indexOf('|'))
    const uri = this.#open(text.replace('|', ''))
    const lines = before.split('\n')
    const position = { line: lines.length - 1, character: lines.at(-1)!.length }
    const { items } = await this.#ask('textDocument/completion', { textDocument: { uri }, position })
    return items
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit')
    await this.#ask('shutdown', null)
    this.#send({ method: 'exit' })
    await ended
  }

  #open(text: string): string {
    const uri = `file:///${++this.#count}.job.yaml`
    const textDocument = { uri, languageId: 'yaml', version: 1, text }
    this.#send({ method: 'textDocument/didOpen', params: { textDocument } })
    return uri
  }

  async #ask(method: string, params: unknown): Promise<any> {
    const id = ++this.#count
    const answer = this.#next((message) => message.id === id && message.method === undefined)
    this.#send({ id, method, params })
    return (await answer).result
  }

  #next(isIt: (message: Message) => boolean): Promise<Message> {
    return new Promise((done) => {
      const look = (message: Message): void => {
        if (!isIt(message)) return
        this.#waiting.delete(look)
        done(message)
      }
      this.#waiting.add(look)
    })
  }

  #send(message: Message): void {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    this.#process.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }

  #read(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    for (let body = this.#takeBody(); body !== undefined; body = this.#takeBody())
      this.#receive(JSON.parse(body))
  }

  #takeBody(): string | undefined {
    const [head, length] =
      /^Content-Length: (\d+)\r\n(?:.+\r\n)*\r\n/.exec(this.#buffer.toString('latin1')) ?? []
    const end = (head?.length ?? 0) + Number(length)
    if (!head || this.#buffer.length < end) return undefined
    const body = this.#buffer.toString('utf8', head.length, end)
    this.#buffer = this.#buffer.subarray(end)
    return body
  }

  // The server asks for the settings, too, and registers what it can do, which needs no more than an answer.
  #receive(message: Message): void {
    if (message.id !== undefined && message.method !== undefined)
      this.#send({ id: message.id, result: this.#answer(message) })
    for (const look of this.#waiting) look(message)
  }

  #answer({ method, params }: Message): unknown {
    if (method !== 'workspace/configuration') return null
    return params.items.map(({ section }: { section?: string }) => (section === 'yaml' ? this.#settings : {}))
  }
}
