import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterError, RemoteCommandError } from '../../errors.js'
import { readIgnores } from '../bundle/ignore.js'
import type { Operation, Operations, Reply, Request, Resources } from '../protocol/messages.js'
import { readTree, type Tree } from '../protocol/tree.js'
import { explainAgentError, SessionEnded } from './agent-errors.js'
import type { ExecOptions, ExecResult, FetchOptions, Host, Sent, SyncOptions } from './host.js'
import type { Server } from './port-forward.js'
import type { Session } from './session.js'
import { SessionPool } from './session-pool.js'
import { receiveTree, type SendTarget, sendTree } from './tree-transfer.js'

/** As much of a file as is read into memory, in bytes. */
const maxInMemory = 1 << 28

/**
 * A host that has Node, whichever way leads to it: extend it, and say how a program is started there.
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
  /** The path of Node there, where it is not found by itself. */
  readonly node: string | undefined = undefined
  /** How long the host may take to answer at all, in milliseconds. */
  readonly greetingMs: number = 30_000
  /** How long it may be silent in the middle of an answer, in milliseconds. */
  readonly silenceMs: number = 45_000
  readonly #sessions = new SessionPool(this)

  /** Starts a program on the host; its three streams are pipes. */
  abstract start(argv: readonly string[]): ChildProcess | Promise<ChildProcess>

  /** Why a connection ended before its answer came. */
  protected abstract explainEnd(ended: SessionEnded): ClusterError

  /** @internal Files and folders of this machine that never go to a host: keys, and what the host is made of. */
  async privateFiles(): Promise<readonly string[]> {
    return []
  }

  /** @internal One question, one answer. */
  ask<O extends Operation>(op: O, ask: Request<O>, signal?: AbortSignal): Promise<Reply<O>> {
    return this.withSession(async (session) => {
      await session.ask(op, ask)
      return session.reply<O>()
    }, signal)
  }

  /** @internal A conversation of any length. */
  async withSession<T>(talk: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#sessions.use(talk, signal)
    } catch (error) {
      throw this.explain(error)
    }
  }

  /** @internal What ended a conversation, as an error for who asked. */
  explain(error: unknown): unknown {
    return error instanceof SessionEnded ? this.explainEnd(error) : explainAgentError(this.name, error)
  }

  /** @internal */
  send(tree: Tree, to: SendTarget, signal?: AbortSignal): Promise<Sent> {
    return this.withSession((session) => sendTree(session, tree, to), signal)
  }

  /** @internal Copies what a run has written to `copy`; see {@link Operations}. */
  readLog(ask: Request<'logs'>, copy: (chunk: Buffer) => unknown, signal?: AbortSignal): Promise<unknown> {
    return this.withSession(async (session) => {
      await session.ask('logs', ask)
      return session.readChunks((_, chunk) => copy(chunk))
    }, signal)
  }

  exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.withSession((session) => runProgram(session, argv, options), options.signal).catch(
      (error) => {
        throw programNotFound(error, this.name, argv) ?? error
      },
    )
  }

  async script(text: string, args: readonly string[] = [], options: Omit<ExecOptions, 'input'> = {}) {
    const result = await this.exec(['sh', '-es', '--', ...args], { ...options, input: text })
    if (result.exitCode === 0) return result
    const how = result.exitCode === null ? `was ended by ${result.signal}` : `exited with ${result.exitCode}`
    const stderr = result.stderr.toString().trim().slice(-4000)
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
    return this.send(await readTree(local, { ignore: await readIgnores(local, ignore) }), {
      path,
      fresh: false,
    })
  }

  fetch(path: string, local: string, { force }: FetchOptions = {}): Promise<void> {
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
    return this.ask('measure', {})
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
      await delay(pauseMs, undefined, signal ? { signal } : {})
    }
  }

  /**
   * @internal A port of the loopback address there that leads to a server of this machine, for as long as the connection
   * lasts; absent where there is no such way.
   */
  forward?(server: Server, signal?: AbortSignal): Promise<number>

  /** @internal The public keys by which this machine knows the host, once it was reached. */
  knownKeys?(): Promise<readonly string[]>

  /** @internal The command by which a user reaches it from a shell, if there is one. */
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
  const message = `"${path}" on host "${host}" has more than ${maxInMemory >> 20} MiB: bring it here with "fetch"`
  return new RemoteCommandError(message, { code: 'HOST_FILE_TOO_LARGE', host })
}

function programNotFound(
  error: unknown,
  host: string,
  [program]: readonly string[],
): RemoteCommandError | undefined {
  const refusal = error instanceof RemoteCommandError && error.code === 'HOST_NO_FILE'
  if (!refusal) return undefined
  const message = `Host "${host}" has no program "${program}", or no such folder to run it in: install it, or give its path`
  return new RemoteCommandError(message, { code: 'NO_PROGRAM', host, cause: error })
}

/** As much of each output as a result keeps: its end. */
const maxKeptOutput = 16 << 20

/** Runs a program through an agent, whatever it prints and however much. */
async function runProgram(
  session: Session,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const { cwd, env, onStdout, onStderr } = options
  const input = Buffer.from((options.input ?? '') as Uint8Array)
  const kept = { stdout: new Chunks(maxKeptOutput), stderr: new Chunks(maxKeptOutput) }
  const handlers = { stdout: onStdout, stderr: onStderr }
  await session.ask('exec', {
    argv,
    input: input.length,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env ? { env } : {}),
  })
  // Not awaited: a program may print before it has read everything.
  session.connection.write(input).catch(() => undefined)
  const exit = await session.readChunks<'exec'>((stream, chunk) =>
    handlers[stream] ? handlers[stream](chunk) : kept[stream].add(chunk),
  )
  return { ...exit, stdout: kept.stdout.join(), stderr: kept.stderr.join() }
}

/** Pieces are put together by so many: each would cost more than the bytes in it, and hold on to what it was cut from. */
const maxPieces = 1024
const batchSize = 1 << 16

/** What came in pieces of any size, or its end. */
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
