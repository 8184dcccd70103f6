import { posix } from 'node:path'
import { AgentResponseError } from '../cluster/host/agent-errors.js'
import type { Host } from '../cluster/host/host.js'
import { fromHome } from '../cluster/protocol/layout.js'
import type {
  Done,
  HostState,
  Operation,
  Reply,
  Request,
  RunSpecification,
  RunStatus,
  SetupResult,
} from '../cluster/protocol/messages.js'
import { authorizedLine } from '../cluster/protocol/public-key.js'
import type { RunProgram, RunSecrets } from '../cluster/run/run-folder.js'
import type { RunEvent } from '../records/events.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Registry } from '../registry/registry.js'
import { SafeExecutionContext } from '../runnable/context.js'
import { failedOutcome, type Outcome } from '../runnable/outcome.js'
import { maskData } from '../runnable/secrets/mask.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import { deserializeSecrets } from '../runnable/secrets/serialize-secrets.js'
import { type Deferred, deferred } from '../util/concurrency.js'
import { toJson } from '../util/json.js'
import { MemoryLogger } from './memory-logger.js'
import { withExtensions } from './run-yaml.js'

/** The home folder of the user of a {@link MemoryHost}. */
export const memoryHome = '/home/user'

/** What an agent in memory works with besides its host. */
interface AgentParts {
  readonly runs: MemoryRuns
  /** Runs a shell command. */
  readonly command: (command: string) => Promise<SetupResult>
}

type AgentHandlers = { [O in Operation]: (request: Request<O>) => Promise<Reply<O>> }

const done: Done = { done: true }

/** Replies as the agent of a real host would that has this package already. */
export function agentOf(host: Host, { runs, command }: AgentParts): AgentHandlers {
  const completedSetups = new Set<string | undefined>([undefined])
  return {
    inspect: async ({ setup }) => ({ ...hostState, setUp: completedSetups.has(setup) }),
    resources: () => host.resources(),
    async setUp({ commands, hash }) {
      for (const each of commands) {
        const result = await command(each)
        if (result.failed) return result
      }
      completedSetups.add(hash)
      return {}
    },
    authorize: async () => done,
    setKnownHosts: async () => done,
    testConnections: async ({ commands }) => ({ ends: commands.map(() => ({ exitCode: 0, stderr: '' })) }),
    retain: async () => done,
    makeWorkFolder: async () => ({ project: memoryHome, folder: memoryHome }),
    makeFolders: ({ paths }) => host.makeFolders(paths).then(() => done),
    remove: ({ path, contentOnly }) => host.remove(path, { contentOnly }).then(() => done),
    exists: async ({ path }) => ({ exists: await host.exists(path) }),
    start: async (specification) => runs.start(specification),
    runs: async ({ cluster }) => ({ runs: runs.of(cluster) }),
    status: async ({ id }) => runs.status(id),
    logStart: async (request) => runs.logStart(request),
    wait: ({ id }) => runs.wait(id),
    cancel: ({ id }) => runs.cancel(id),
    down: ({ cluster }) => host.remove(fromHome.cluster(cluster)).then(() => done),
    receive: inBytes,
    sendTree: inBytes,
    exec: inBytes,
    put: inBytes,
    get: inBytes,
    logs: inBytes,
  }
}

const publicKey = 'ssh-ed25519 in-memory'

const hostState: Omit<HostState, 'setUp'> = {
  home: memoryHome,
  user: 'user',
  freeBytes: 2 ** 40,
  missing: [],
  publicKey,
  authorized: [authorizedLine(publicKey)],
  hostKeys: [],
  knownHosts: '',
  others: [],
}

// The methods of the host transfer bytes directly.
function inBytes(): never {
  throw new TypeError('A host in memory has no connection')
}

interface MemoryRun {
  readonly specification: RunSpecification
  readonly secrets: SecretsConfig
  readonly logger: MemoryLogger
  readonly controller: AbortController
  /** Grows while it runs. */
  readonly events: RunEvent[]
  readonly finished: Deferred<void>
  /** When it was submitted, then when it began. */
  startedAt: string
  hasBegun: boolean
  outcome?: Outcome<unknown>
}

/** The runs of a host in memory. They run in this process, as they would on a host. */
export class MemoryRuns {
  readonly #runs = new Map<string, MemoryRun>()
  /** The runs that are active or queued, in order. */
  #order: MemoryRun[] = []

  constructor(
    private readonly records: MemoryRecord[],
    private readonly registry: Registry | undefined,
  ) {}

  start(specification: RunSpecification): Reply<'start'> {
    const { id, cluster, force, queue } = specification
    const others = this.#unfinished(cluster)
    const [first] = others
    if (first && !force && !queue)
      throw new AgentResponseError({
        code: 'RUN_ACTIVE',
        message: first.specification.id,
        detail: 'start',
      })
    const run = newRun(specification)
    this.#runs.set(id, run)
    this.#order = queue ? [...this.#order, run] : [run, ...this.#order]
    if (!queue && first?.hasBegun) first.controller.abort()
    this.#startNext(cluster)
    const { waitsFor } = this.#status(run)
    return {
      id,
      unfinished: others.map(({ specification }) => specification.id),
      ...(waitsFor !== undefined && { waitsFor }),
    }
  }

  of(cluster: string): RunStatus[] {
    const runs = [...this.#runs.values()].filter(({ specification }) => specification.cluster === cluster)
    return runs.map((run) => this.#status(run)).reverse()
  }

  status(id: string): RunStatus {
    return this.#status(this.#run(id))
  }

  async wait(id: string): Promise<Reply<'wait'>> {
    const run = this.#run(id)
    await run.finished.promise
    const result = run.outcome?.ok ? toJson(run.outcome.value) : undefined
    return result === undefined ? this.#status(run) : { ...this.#status(run), result }
  }

  async cancel(id: string): Promise<RunStatus> {
    const run = this.#run(id)
    run.controller.abort()
    if (!run.hasBegun && !run.outcome)
      this.#end(run, failedOutcome(run.controller.signal.reason, run.controller.signal))
    await run.finished.promise
    return this.#status(run)
  }

  async log({ id, offset, follow, file = 'log' }: Request<'logs'>): Promise<Buffer> {
    const run = this.#run(id)
    if (follow) await run.finished.promise
    return (file === 'log' ? logOf(run) : eventsOf(run)).subarray(offset)
  }

  logStart({ id, tail }: Request<'logStart'>): Reply<'logStart'> {
    const lines = this.#run(id).logger.lines.map(({ text }) => `${text}\n`)
    return { offset: Buffer.byteLength(lines.slice(0, Math.max(0, lines.length - tail)).join('')) }
  }

  #run(id: string): MemoryRun {
    const run = this.#runs.get(id)
    if (run) return run
    throw new AgentResponseError({ code: 'RUN_NOT_FOUND', message: id })
  }

  #unfinished(cluster: string): MemoryRun[] {
    return this.#order.filter(({ specification }) => specification.cluster === cluster)
  }

  #status(run: MemoryRun): RunStatus {
    if (run.hasBegun || run.outcome) return statusOf(run)
    const others = this.#unfinished(run.specification.cluster)
    // A run that was forced is first, while the one that it has cancelled still ends.
    const active = others.find(({ hasBegun }) => hasBegun)
    const previous = others[others.indexOf(run) - 1] ?? active
    return { ...statusOf(run), state: 'queued', ...(previous && { waitsFor: previous.specification.id }) }
  }

  #startNext(cluster: string): void {
    const runs = this.#unfinished(cluster)
    const [next] = runs
    if (!next || runs.some(({ hasBegun }) => hasBegun)) return
    next.hasBegun = true
    next.startedAt = new Date().toISOString()
    const { id, files } = next.specification
    this.records.push({ kind: 'started', id, yaml: files['job.yaml']! })
    void runInProcess(next, this.registry).then((outcome) => this.#end(next, outcome))
  }

  #end(run: MemoryRun, outcome: Outcome<unknown>): void {
    run.outcome = outcome
    this.#order = this.#order.filter((each) => each !== run)
    run.finished.resolve()
    this.#startNext(run.specification.cluster)
  }
}

function newRun(specification: RunSpecification): MemoryRun {
  const secrets = deserializeSecrets(JSON.parse(specification.files['secrets.json']!) as RunSecrets)
  const startedAt = new Date().toISOString()
  const outputs = { logger: new MemoryLogger(), controller: new AbortController(), events: [] }
  return { specification, secrets, startedAt, hasBegun: false, finished: deferred(), ...outputs }
}

/** Does what `job-main.ts` does on the orchestrator. */
function runInProcess(
  { specification, secrets, logger, controller, events }: MemoryRun,
  registry: Registry | undefined,
) {
  const { files, file } = specification
  const { declared, localUser, flags }: RunProgram = JSON.parse(files['program.json']!)
  const context = new SafeExecutionContext(
    { content: withExtensions(files['job.yaml']!, declared), filename: file },
    { registry: registry ?? currentRegistry(), userProvider: () => localUser },
  )
  return context.run<unknown>(
    async (options) => {
      const { runnable } = await context.preprocess({ secrets })
      runnable.injectContent(files['content.yaml']!)
      return runnable.run(options)
    },
    { ...flags, signal: controller.signal, logger, onEvent: (event) => events.push(event) },
  )
}

function statusOf(run: MemoryRun): RunStatus {
  const { specification, startedAt, outcome, controller } = run
  const { id, cluster, file } = specification
  const known = { id, cluster, file, startedAt, logSize: logOf(run).length }
  if (!outcome) return { ...known, state: 'running' }
  const state = outcome.ok ? 'succeeded' : controller.signal.aborted ? 'cancelled' : 'failed'
  return { ...known, state, exitCode: outcome.exitCode }
}

function logOf({ logger, secrets }: MemoryRun): Buffer {
  return Buffer.from(logger.lines.map(({ text }) => `${secrets.redact(text)}\n`).join(''))
}

function eventsOf({ events, secrets }: MemoryRun): Buffer {
  const lines = events.map((event) => `${toJson(maskData(event, (text) => secrets.redact(text)))}\n`)
  return Buffer.from(lines.join(''))
}

/** A file of a {@link MemoryHost}. */
export interface MemoryFile {
  readonly content: Buffer
  /** Its permissions, such as `0o600`. */
  readonly mode: number
}

/** The absolute path of a path on a {@link MemoryHost}. */
export function absolute(path: string): string {
  return posix.resolve(memoryHome, path)
}

/** The files at a path: the file itself, or those of the folder, by their paths in it. */
export function filesAt(files: ReadonlyMap<string, MemoryFile>, path: string): Map<string, MemoryFile> {
  const root = absolute(path)
  const single = files.get(root)
  if (single) return new Map([[posix.basename(root), single]])
  const prefix = root === '/' ? root : `${root}/`
  const found = [...files].filter(([each]) => each.startsWith(prefix))
  return new Map(found.map(([each, file]) => [each.slice(prefix.length), file]))
}

/** An action on a `MemoryHost`: a program ran, files were sent, or a runnable was started. */
export type MemoryRecord =
  | { readonly kind: 'ran'; readonly argv: readonly string[] }
  | { readonly kind: 'sent'; readonly path: string; readonly files: readonly string[] }
  | { readonly kind: 'started'; readonly id: string; readonly yaml: string }
