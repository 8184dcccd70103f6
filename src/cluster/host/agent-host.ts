import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterError, RemoteCommandError } from '../../errors.js'
import { readIgnores } from '../bundle/ignore.js'
import type { Operation, Operations, Reply, Request, Resources, Unwritten } from '../protocol/messages.js'
import { maxErrorOutput } from '../protocol/messages.js'
import { readTree, type Tree } from '../protocol/tree.js'
import { explainAgentError, SessionEnded } from './agent-errors.js'
import type { ExecOptions, ExecResult, FetchOptions, Host, Sent, SyncOptions } from './host.js'
import type { Server } from './port-forward.js'
import type { Session } from './session.js'
import { SessionPool, stopOnAbort } from './session-pool.js'
import { receiveTree, type SendTarget, sendTree } from './tree-transfer.js'

/** The largest file that `get` reads into memory, in bytes. */
const maxInMemory = 1 << 28

/**
 * A host with Node. To support another way to connect, extend this class and implement `start` and `explainEnd`.
 *
 * ```ts
 * class ContainerHost extends AgentHost {
 *   constructor(readonly name: string) {
 *     super()
 *   }
 *   start(argv: readonly string[]) {
 *     return spawn('podman', ['exec', '-i', this.name, ...argv])
 *   }
 *   protected explainEnd({ stderr }: SessionEnded) {
 *     return new ClusterError(`Container "${this.name}" is gone: ${stderr}`, { code: 'HOST_LOST' })
 *   }
 * }
 * ```
 */
export abstract class AgentHost implements Host {
  abstract readonly name: string
  /** The path of Node on the host; by default it is searched for. */
  readonly node: string | undefined = undefined
  /** How long the host may take to respond for the first time, in milliseconds. */
  readonly greetingMs: number = 30_000
  /** How long it may be silent during a response, in milliseconds. */
  readonly silenceMs: number = 45_000
  readonly #sessions = new SessionPool(this)

  /** Starts a program on the host; its three streams are pipes. */
  abstract start(argv: readonly string[]): ChildProcess | Promise<ChildProcess>

  /** Returns the error for a connection that ended before the response was complete. */
  protected abstract explainEnd(end: SessionEnded): ClusterError

  /** @internal Local files and folders that are never sent: keys, and the folder of a local host. */
  async privateFiles(): Promise<readonly string[]> {
    return []
  }

  /** @internal Sends one request and returns its reply; a request that is a promise is made while the host is connected to. */
  ask<O extends Operation>(
    op: O,
    request: Unwritten<Request<O>> | Promise<Unwritten<Request<O>>>,
    signal?: AbortSignal,
  ): Promise<Reply<O>> {
    return this.withSession(async (session) => {
      await session.ask(op, await request)
      return session.reply<O>()
    }, signal)
  }

  /** @internal Runs a conversation over one session. */
  async withSession<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#sessions.use(work, signal)
    } catch (error) {
      throw this.explain(error)
    }
  }

  /** @internal Turns the reason why a conversation ended into an error for the caller. */
  explain(error: unknown): unknown {
    return error instanceof SessionEnded ? this.explainEnd(error) : explainAgentError(this.name, error)
  }

  /** @internal */
  send(tree: Tree, target: SendTarget, signal?: AbortSignal): Promise<Sent> {
    return this.withSession((session) => sendTree(session, tree, target), signal)
  }

  /** @internal Passes the log of a run to `copy`; see {@link Operations}. */
  readLog(
    request: Request<'logs'>,
    copy: (chunk: Buffer) => unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    return this.withSession(async (session) => {
      await session.ask('logs', request)
      return session.readChunks((_, chunk) => copy(chunk))
    }, signal)
  }

  exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { signal, readsToEnd } = options
    const run = (session: Session): Promise<ExecResult> => runProgram(session, argv, options)
    const toEnd = (session: Session): Promise<ExecResult> => {
      signal!.throwIfAborted()
      return stopOnAbort(run(session), session, signal!)
    }
    const result = signal && readsToEnd ? this.withSession(toEnd) : this.withSession(run, signal)
    return result.catch((error) => {
      throw programNotFound(error, this.name, argv) ?? error
    })
  }

  async script(text: string, args: readonly string[] = [], options: Omit<ExecOptions, 'input'> = {}) {
    const result = await this.exec(['sh', '-es', '--', ...args], { ...options, input: text })
    if (result.exitCode === 0) return result
    const how = result.exitCode === null ? `was killed by ${result.signal}` : `exited with ${result.exitCode}`
    const stderr = result.stderr.toString().trim().slice(-maxErrorOutput)
    const facts = { host: this.name, remoteExitCode: result.exitCode, stderr }
    const message = `A script on host "${this.name}" ${how}${stderr === '' ? '' : `:\n${stderr}`}`
    throw new RemoteCommandError(message, { code: 'SCRIPT_FAILED', ...facts })
  }

  async put(path: string, content: string | Uint8Array, { mode = 0o600 } = {}): Promise<void> {
    const bytes = Buffer.from(content as Uint8Array)
    await this.withSession(async (session) => {
      await session.ask('put', { path, size: bytes.length, mode })
      await session.write(bytes)
      await session.reply<'put'>()
    })
  }

  get(path: string): Promise<Buffer> {
    return this.withSession(async (session) => {
      const kept = new Chunks()
      await session.ask('get', { path })
      await session.readChunks((_, chunk) => {
        kept.add(chunk)
        if (kept.size > maxInMemory) throw tooLarge(this.name, path)
      })
      return kept.join()
    })
  }

  async sync(local: string, path: string, { ignore = [] }: SyncOptions = {}): Promise<Sent> {
    const tree = await readTree(local, { ignore: await readIgnores(local, ignore) })
    return this.send(tree, { path, fresh: false })
  }

  fetch(path: string, local: string, { force = false }: FetchOptions = {}): Promise<void> {
    return this.withSession((session) => receiveTree(session, path, { local, force }))
  }

  async makeFolders(paths: readonly string[]): Promise<void> {
    await this.ask('makeFolders', { paths })
  }

  async remove(path: string, { contentOnly = false } = {}): Promise<void> {
    await this.ask('remove', { path, contentOnly })
  }

  async exists(path: string): Promise<boolean> {
    return (await this.ask('exists', { path })).exists
  }

  resources(): Promise<Resources> {
    return this.ask('resources', {})
  }

  async waitUntilAccessible({
    timeoutMs = 300_000,
    signal,
  }: {
    timeoutMs?: number
    signal?: AbortSignal
  } = {}) {
    const deadline = Date.now() + timeoutMs
    for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, 5000)) {
      const failure = await this.ask('exists', { path: '.' }, signal).then(
        () => undefined,
        (error) => ({ error }),
      )
      if (!failure) return
      if (!(failure.error instanceof ClusterError) || Date.now() + pauseMs > deadline) throw failure.error
      await delay(pauseMs, undefined, { signal })
    }
  }

  /**
   * @internal Opens a port on the loopback address of the host that forwards to a server of this machine, for as long
   * as the connection lasts. Hosts without port forwarding do not have this method.
   */
  forward?(server: Server, signal?: AbortSignal): Promise<number>

  /** @internal The public keys of the host that this machine has, after it was connected to. */
  knownKeys?(): Promise<readonly string[]>

  /** @internal The shell command that connects to the host, if there is one. */
  get command(): string | undefined {
    return undefined
  }

  close(): Promise<void> {
    return this.#sessions.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function tooLarge(host: string, path: string): RemoteCommandError {
  const message = `"${path}" on host "${host}" is larger than ${maxInMemory >> 20} MiB: copy it to a file with "fetch"`
  return new RemoteCommandError(message, { code: 'HOST_FILE_TOO_LARGE', host })
}

function programNotFound(
  error: unknown,
  host: string,
  [program]: readonly string[],
): RemoteCommandError | undefined {
  if (!(error instanceof RemoteCommandError && error.code === 'HOST_NO_FILE')) return undefined
  const message = `Host "${host}" has no program "${program}", or the folder to run it in does not exist: install it, or write its path`
  return new RemoteCommandError(message, { code: 'NO_PROGRAM', host, cause: error })
}

/** How much of the end of each output a result keeps, in bytes. */
const maxKeptOutput = 16 << 20

/** Runs a program through an agent. */
async function runProgram(
  session: Session,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const { cwd, env, onStdout, onStderr } = options
  const input = Buffer.from((options.input ?? '') as Uint8Array)
  const kept = { stdout: new Chunks(maxKeptOutput), stderr: new Chunks(maxKeptOutput) }
  const handlers = { stdout: onStdout, stderr: onStderr }
  await session.ask('exec', { argv, input: input.length, cwd, env })
  // Not awaited: a program may print before it has read all its input.
  session.connection.write(input).catch(() => undefined)
  const exit = await session.readChunks<'exec'>((stream, chunk) =>
    handlers[stream] ? handlers[stream](chunk) : kept[stream].add(chunk),
  )
  return { ...exit, stdout: kept.stdout.join(), stderr: kept.stderr.join() }
}

/**
 * So many pieces are merged: small buffers cost more than their bytes, and keep alive the buffer from which they were
 * cut.
 */
const maxPieces = 1024
const batchSize = 1 << 16

/** Collects bytes that arrive in pieces of any size; keeps the last `most` of them. */
class Chunks {
  #batches: Buffer[] = []
  #pending: Buffer[] = []
  #size = 0
  /** How many bytes are in `#pending`. */
  #pendingSize = 0

  constructor(readonly most = Infinity) {}

  /** In bytes. */
  get size(): number {
    return this.#size
  }

  add(piece: Buffer): void {
    this.#pending.push(piece)
    this.#pendingSize += piece.length
    this.#size += piece.length
    if (this.#pendingSize >= batchSize || this.#pending.length >= maxPieces) this.#merge()
    while (this.#size - (this.#batches[0]?.length ?? Infinity) >= this.most)
      this.#size -= this.#batches.shift()!.length
  }

  join(): Buffer {
    const all = Buffer.concat([...this.#batches, ...this.#pending])
    return all.subarray(Math.max(0, all.length - this.most))
  }

  #merge(): void {
    this.#batches.push(Buffer.concat(this.#pending))
    this.#pending = []
    this.#pendingSize = 0
  }
}
