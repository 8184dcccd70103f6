import { setTimeout as delay } from 'node:timers/promises'
import type { AgentHost } from '../../cluster/host/agent-host.js'
import type { Logger } from '../../runnable/logger.js'

/** How the program of the workers is started on a factory. */
export interface WorkerProgram {
  /** Its path, from the home folder there. */
  readonly path: string
  /** What it reads from its standard input. */
  readonly settings: string
}

/** Who is told of the workers of a factory. */
export interface WorkersListener {
  readonly logger: Logger
  /** They can be started on no factory: a user's own mistake. */
  onMistake(message: string): void
}

const firstPauseMs = 500
const longestPauseMs = 10_000
/** Workers that ran this long were well: what ended them is something new. */
const steadyMs = 30_000
const mistakeCode = 22

/** Keeps the workers of one factory running, also when they are killed, and when it is cut off and comes back. */
export class FactoryWorkers {
  readonly #end = new AbortController()
  readonly #kept: Promise<void>

  constructor(
    readonly host: AgentHost,
    readonly program: WorkerProgram,
    readonly listener: WorkersListener,
  ) {
    this.#kept = this.#keepRunning()
  }

  /** Ends the workers with the tasks that they have. */
  async close(): Promise<void> {
    this.#end.abort()
    await this.#kept
    await this.host.close()
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#end
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const began = Date.now()
      const why = await this.#work().catch((error: Error) => error.message)
      if (signal.aborted) return
      if (Date.now() - began > steadyMs) pauseMs = firstPauseMs
      this.listener.logger.warn(`The workers on "${this.host.name}" ended, and are started again: ${why}`)
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    }
  }

  // Settles when they have ended, with what they said last.
  async #work(): Promise<string> {
    const { path, settings } = this.program
    const { signal } = this.#end
    const onStdout = (): void => this.listener.logger.debug(`The workers on "${this.host.name}" are ready`)
    const {
      exitCode,
      signal: by,
      stderr,
    } = await this.host.exec(['node', path], { input: settings, signal, onStdout })
    const said = stderr.toString().trim()
    if (exitCode === mistakeCode)
      this.listener.onMistake(`The workers on "${this.host.name}" cannot start: ${said}`)
    return said || (by ?? `exit code ${exitCode}`)
  }
}
