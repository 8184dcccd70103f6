import { AgentRefusal } from '../cluster/host/session-end.js'
import type { RunProgram, RunSecrets } from '../cluster/run/run-folder.js'
import type { Ask, Reply, RunSpecification, RunStatus } from '../cluster/wire/protocol.js'
import type { Registry } from '../registry/registry.js'
import { SafeExecutionContext } from '../runnable/context.js'
import type { Outcome } from '../runnable/outcome.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import { sharedSecrets } from '../runnable/secrets/shared-secrets.js'
import { toJson } from '../util/json.js'
import { MemoryLogger } from './memory-logger.js'
import type { MemoryRecord } from './memory-record.js'
import { withExtensions } from './with-extensions.js'

interface Begun {
  readonly specification: RunSpecification
  readonly secrets: SecretsConfig
  readonly logger: MemoryLogger
  readonly controller: AbortController
  readonly startedAt: string
}

interface MemoryRun extends Begun {
  readonly ended: Promise<void>
  outcome?: Outcome<unknown>
}

/** The runs that were started on a host in memory: they run in this process, as they would run there. */
export class MemoryRuns {
  readonly #runs = new Map<string, MemoryRun>()

  constructor(
    private readonly records: MemoryRecord[],
    private readonly registry: Registry | undefined,
  ) {}

  start(specification: RunSpecification): { id: string } {
    const { id, cluster, force, files } = specification
    for (const { specification: other, outcome, controller } of this.#runs.values()) {
      if (other.cluster !== cluster || outcome) continue
      if (!force) throw new AgentRefusal({ code: 'RUN_ACTIVE', message: other.id })
      controller.abort()
    }
    this.records.push({ kind: 'started', id, yaml: files['job.yaml']! })
    this.#runs.set(id, this.#begin(specification))
    return { id }
  }

  of(cluster: string): RunStatus[] {
    const runs = [...this.#runs.values()].filter(({ specification }) => specification.cluster === cluster)
    return runs.map(statusOf).reverse()
  }

  status(id: string): RunStatus {
    return statusOf(this.#run(id))
  }

  async wait(id: string): Promise<Reply<'wait'>> {
    const run = this.#run(id)
    await run.ended
    const result = run.outcome?.ok ? toJson(run.outcome.value) : undefined
    return { ...statusOf(run), ...(result !== undefined && { result }) }
  }

  async cancel(id: string): Promise<RunStatus> {
    const run = this.#run(id)
    run.controller.abort()
    await run.ended
    return statusOf(run)
  }

  async log({ id, offset, follow }: Ask<'logs'>): Promise<Buffer> {
    const run = this.#run(id)
    if (follow) await run.ended
    return logOf(run).subarray(offset)
  }

  logStart({ id, tail }: Ask<'logStart'>): Reply<'logStart'> {
    const lines = this.#run(id).logger.lines.map(({ text }) => `${text}\n`)
    return { offset: Buffer.byteLength(lines.slice(0, Math.max(0, lines.length - tail)).join('')) }
  }

  #run(id: string): MemoryRun {
    const run = this.#runs.get(id)
    if (run) return run
    throw new AgentRefusal({ code: 'RUN_NOT_FOUND', message: id })
  }

  #begin(specification: RunSpecification): MemoryRun {
    const logger = new MemoryLogger()
    const controller = new AbortController()
    const secrets = sharedSecrets(JSON.parse(specification.files['secrets.json']!) as RunSecrets)
    const begun = { specification, secrets, logger, controller, startedAt: new Date().toISOString() }
    const outcome = runHere(begun, this.registry)
    const ended = outcome.then((ended) => {
      run.outcome = ended
    })
    const run: MemoryRun = { ...begun, ended }
    return run
  }
}

/** What `run-job.ts` does on the orchestrator. */
function runHere({ specification, secrets, logger, controller }: Begun, registry: Registry | undefined) {
  const { files, file } = specification
  const { declared, localUser, flags }: RunProgram = JSON.parse(files['program.json']!)
  const context = new SafeExecutionContext(
    { content: withExtensions(files['job.yaml']!, declared), filename: file },
    { ...(registry && { registry }), userProvider: () => localUser },
  )
  return context.run<unknown>(
    async (options) => {
      const { runnable } = await context.preprocess({ secrets })
      runnable.injectContent(files['content.yaml']!)
      return runnable.run(options)
    },
    { ...flags, signal: controller.signal, logger },
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
