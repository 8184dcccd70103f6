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
  /** Whether the agent had been there: the connection was good, and was lost. */
  readonly greeted: boolean

  constructor({ exitCode, stderr, greeted }: Pick<SessionEnded, 'exitCode' | 'stderr' | 'greeted'>) {
    super('the connection ended')
    this.exitCode = exitCode
    this.stderr = stderr
    this.greeted = greeted
  }
}
