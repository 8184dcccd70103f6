import type { AgentError } from '../wire/protocol.js'

/** An agent refused: what went wrong on the host. */
export class AgentRefusal extends Error {
  constructor(readonly agentError: AgentError) {
    super(agentError.message)
  }
}

/** What a host sent is no answer to what it was asked. */
export class InvalidAnswer extends Error {
  constructor(
    readonly question: string,
    readonly why: string,
  ) {
    super(`the answer to "${question}" is invalid: ${why}`)
  }
}

/** The connection ended before an answer came: what `explainEnd` of an {@link AgentHost} is given. */
export class SessionEnded extends Error {
  readonly exitCode: number | null
  readonly stderr: string
  /** What came on standard output in place of the agent's greeting: the end of it. */
  readonly noise: string
  /** Whether nothing was heard for so long that it was given up. */
  readonly timedOut: boolean
  /** Whether the agent had been there: the connection was good, and was lost. */
  readonly greeted: boolean

  constructor({
    exitCode,
    stderr,
    greeted,
    noise = '',
    timedOut = false,
  }: Pick<SessionEnded, 'exitCode' | 'stderr' | 'greeted'> &
    Partial<Pick<SessionEnded, 'noise' | 'timedOut'>>) {
    super('the connection ended')
    this.exitCode = exitCode
    this.stderr = stderr
    this.greeted = greeted
    this.noise = noise
    this.timedOut = timedOut
  }
}
