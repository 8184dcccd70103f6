import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { AgentResponseError, explainAgentError } from '../cluster/host/agent-errors.js'
import { AgentHost } from '../cluster/host/agent-host.js'
import type { ExecOptions, ExecResult, FetchOptions, Sent } from '../cluster/host/host.js'
import { mergeFetched } from '../cluster/host/merge-fetched.js'
import type { Operation, Reply, Request, Resources, SetupResult } from '../cluster/protocol/messages.js'
import type { Tree } from '../cluster/protocol/tree.js'
import { RemoteCommandError } from '../errors.js'
import type { Registry } from '../registry/registry.js'
import {
  absolute,
  agentOf,
  filesAt,
  type MemoryFile,
  type MemoryRecord,
  MemoryRuns,
  memoryHome,
} from './memory-agent.js'

/** A call of a program of a {@link MemoryHost}: its input, and the functions with which it prints. */
export interface MemoryCall {
  /** Its arguments, without the name of the program. */
  readonly args: readonly string[]
  readonly input: Buffer
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
  print(text: string | Uint8Array): Promise<void>
  printError(text: string | Uint8Array): Promise<void>
}

/** A program of a {@link MemoryHost}: returns its exit code, or the name of the signal that killed it. */
export type MemoryProgram = (call: MemoryCall) => number | string | Promise<number | string>

/** Options of {@link MemoryHost}. */
export interface MemoryHostOptions {
  readonly name?: string
  /** Programs by name or path, as they are passed to `exec`. */
  readonly programs?: Readonly<Record<string, MemoryProgram>>
  readonly resources?: Resources
  /** The registry for runs that are started on it; the default registry when absent. */
  readonly registry?: Registry
}

/**
 * A host without a machine, for tests: files are in memory, programs are functions, and everything that is run or sent is
 * recorded.
 *
 * ```ts
 * const host = new MemoryHost({ programs: { nproc: ({ print }) => print('4\n').then(() => 0) } })
 * await prepare(host)
 * assert.deepEqual(host.records, [{ kind: 'ran', argv: ['nproc'] }])
 * ```
 */
export class MemoryHost extends AgentHost {
  readonly name: string
  /** The files, by absolute path. */
  readonly files = new Map<string, MemoryFile>()
  /** The absolute paths of the folders that were created, empty ones included. */
  readonly folders = new Set<string>([memoryHome])
  /** Everything that was run and sent, in order. */
  readonly records: MemoryRecord[] = []
  readonly #options: MemoryHostOptions
  readonly #runs: MemoryRuns
  readonly #agent: ReturnType<typeof agentOf>

  constructor(options: MemoryHostOptions = {}) {
    super()
    this.name = options.name ?? 'memory'
    this.#options = options
    this.#runs = new MemoryRuns(this.records, options.registry)
    this.#agent = agentOf(this, { runs: this.#runs, command: (command) => this.#command(command) })
  }

  override async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    options.signal?.throwIfAborted()
    const [name = '', ...args] = argv
    const program = this.#options.programs?.[name]
    if (!program) throw noProgram(this.name, name)
    this.records.push({ kind: 'ran', argv })
    const stdout = new Output(options.onStdout)
    const stderr = new Output(options.onStderr)
    const call = { ...callOf(args, options), print: stdout.print, printError: stderr.print }
    const result = await unlessAborted(program(call), options.signal)
    const exit =
      typeof result === 'number' ? { exitCode: result, signal: null } : { exitCode: null, signal: result }
    return { ...exit, stdout: stdout.kept(), stderr: stderr.kept() }
  }

  override async put(path: string, content: string | Uint8Array, { mode = 0o600 } = {}): Promise<void> {
    this.#write(path, { content: Buffer.from(content as Uint8Array), mode })
    this.records.push({ kind: 'sent', path, files: [posix.basename(path)] })
  }

  override async get(path: string): Promise<Buffer> {
    const file = this.files.get(absolute(path))
    if (!file) throw this.#noFile(path)
    return Buffer.from(file.content)
  }

  /** @internal */
  override async send({ files, sources }: Tree, { path }: { path: string }): Promise<Sent> {
    const before = filesAt(this.files, path)
    await this.remove(path)
    const sent: string[] = []
    let bytes = 0
    for (const [index, { path: name, executable }] of files.entries()) {
      const content = await readFile(sources[index]!)
      this.#write(posix.join(path, name), { content, mode: executable ? 0o700 : 0o600 })
      if (before.get(name)?.content.equals(content)) continue
      sent.push(name)
      bytes += content.length
    }
    this.records.push({ kind: 'sent', path, files: sent })
    return { files: sent.length, bytes }
  }

  override async fetch(path: string, local: string, { force = false }: FetchOptions = {}): Promise<void> {
    if (!(await this.exists(path))) throw this.#noFile(path)
    const single = this.files.has(absolute(path))
    const write = async (to: string): Promise<void> => {
      if (!single) await mkdir(to, { recursive: true })
      for (const [name, file] of filesAt(this.files, path))
        await writeLocally(single ? to : join(to, name), file)
    }
    await mergeFetched(local, { single, name: posix.basename(path), force, write })
  }

  override async makeFolders(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.folders.add(absolute(path))
  }

  override async remove(path: string, { contentOnly = false } = {}): Promise<void> {
    const root = absolute(path)
    const isRemoved = (each: string): boolean =>
      each.startsWith(`${root}/`) || (each === root && !contentOnly)
    for (const each of [...this.files.keys()].filter(isRemoved)) this.files.delete(each)
    for (const each of [...this.folders].filter(isRemoved)) this.folders.delete(each)
  }

  override async exists(path: string): Promise<boolean> {
    const root = absolute(path)
    const all = [...this.files.keys(), ...this.folders]
    return root === '/' || all.some((each) => each === root || each.startsWith(`${root}/`))
  }

  override async resources(): Promise<Resources> {
    return this.#options.resources ?? { cpus: 1, memory: 2 ** 30, gpus: [] }
  }

  override async waitUntilAccessible(): Promise<void> {}

  override async close(): Promise<void> {}

  /** @internal Replies as the agent of a real host would. */
  override async ask<O extends Operation>(op: O, ask: Request<O> | Promise<Request<O>>): Promise<Reply<O>> {
    try {
      return await this.#agent[op](await ask)
    } catch (error) {
      throw explainAgentError(this.name, error)
    }
  }

  /** @internal */
  override async readLog(ask: Request<'logs'>, copy: (chunk: Buffer) => unknown): Promise<void> {
    await copy(await this.#runs.log(ask))
  }

  /** @internal */
  override start(): never {
    throw new TypeError('A host in memory starts no processes')
  }

  /** @internal */
  protected override explainEnd(): never {
    throw new TypeError('A host in memory has no connection')
  }

  async #command(command: string): Promise<SetupResult> {
    const argv = ['sh', '-c', command]
    if (!this.#options.programs?.['sh']) this.records.push({ kind: 'ran', argv })
    else {
      const { stdout, stderr, ...exit } = await this.exec(argv)
      if (exit.exitCode !== 0) return { failed: { command, ...exit, output: `${stdout}${stderr}` } }
    }
    return {}
  }

  #write(path: string, file: MemoryFile): void {
    this.files.set(absolute(path), file)
    this.folders.add(posix.dirname(absolute(path)))
  }

  #noFile(path: string): unknown {
    return explainAgentError(this.name, new AgentResponseError({ code: 'ENOENT', message: path }))
  }
}

async function writeLocally(path: string, { content, mode }: MemoryFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  if (mode & 0o100) await chmod(path, 0o755)
}

function callOf(args: readonly string[], { input = '', cwd = '.', env = {}, signal }: ExecOptions) {
  return { args, input: Buffer.from(input as Uint8Array), cwd: absolute(cwd), env, signal }
}

/** One output of a program, which a handler gets, or else the result. */
class Output {
  readonly #chunks: Buffer[] = []
  readonly #take: (chunk: Buffer) => unknown

  constructor(handler?: (chunk: Buffer) => unknown) {
    this.#take = handler ?? ((chunk) => this.#chunks.push(chunk))
  }

  readonly print = async (text: string | Uint8Array): Promise<void> => {
    await this.#take(Buffer.from(text as Uint8Array))
  }

  kept(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

// The signal may outlive the call, so the listener is removed.
function unlessAborted<T>(value: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', stop)
    const done = (): void => signal?.removeEventListener('abort', stop)
    Promise.resolve(value).then(resolve, reject).finally(done)
  })
}

function noProgram(host: string, program: string): RemoteCommandError {
  const message = `Host "${host}" has no program "${program}": add it to the option "programs"`
  return new RemoteCommandError(message, { code: 'NO_PROGRAM', host })
}
