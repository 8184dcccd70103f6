import { ClusterError, RemoteCommandError } from '../../errors.js'
import { printable } from '../../util/printable.js'
import type { AgentError } from '../protocol/messages.js'

/** An agent refused: what went wrong on the host. */
export class AgentResponseError extends Error {
  constructor(readonly agentError: AgentError) {
    super(agentError.message)
  }
}

/** What a host sent is no answer to what it was asked. */
export class InvalidMessageError extends Error {
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

/** What a host refused, as an error for who asked; anything else as it is. */
export function explainAgentError(host: string, error: unknown): unknown {
  if (error instanceof InvalidMessageError) return invalidAnswer(host, error)
  if (!(error instanceof AgentResponseError)) return error
  const { code, message } = error.agentError
  const known =
    codesWithRunId.has(code) && !runIdPattern.test(message)
      ? undefined
      : explanationOf(code, error.agentError)
  const [name, explain] = known ?? ['HOST_REFUSED', () => `Host "${host}" refused: ${message}`]
  return new RemoteCommandError(explain(host, error.agentError), { code: name, host, cause: error })
}

function explanationOf(code: string, { detail, message }: AgentError) {
  // Where a name is read as text, such a character stands for bytes that are none.
  const isNoText = code === 'ENOENT' && (detail ?? message).includes('\ufffd')
  return explanations[isNoText ? 'NOT_UTF8' : code]
}

function invalidAnswer(host: string, cause: InvalidMessageError): ClusterError {
  const { question, why } = cause
  const message = `Host "${host}" sent no valid answer to "${question}" (${printable(why)}), and nothing was done with it: see that nothing there prints to the standard output of other programs, or whether someone has changed the host`
  return new ClusterError(message, { code: 'HOST_BAD_ANSWER', cause })
}

function diskFull(what: string, how: string): readonly [code: string, explain: Explain] {
  return ['HOST_DISK_FULL', (host) => `Host "${host}" has ${what}: free some (${how})`]
}

type Explain = (host: string, error: AgentError) => string

/** Refusals whose message becomes part of a command to type: it has to be the id of a run. */
const codesWithRunId: ReadonlySet<string> = new Set(['RUN_ACTIVE'])
const runIdPattern = /^[\w-]{1,128}$/

const explanations: Readonly<Record<string, readonly [code: string, explain: Explain]>> = {
  RUN_ACTIVE: [
    'RUN_ACTIVE',
    (_, { message }) =>
      `Run "${message}" is under way in this cluster: wait for it ("flambeau wait ${message}"), or replace it with "--force"`,
  ],
  RUN_NOT_FOUND: [
    'RUN_NOT_FOUND',
    (_, { message }) =>
      `There is no run "${message}" in this cluster: "flambeau runs" lists those that there are`,
  ],
  HOST_NO_SSH_CLIENT: [
    'HOST_NO_SSH_CLIENT',
    (host) =>
      `Host "${host}" has no ssh-keygen, with which the cluster's key is made: install its OpenSSH client ("apt-get install openssh-client")`,
  ],
  HOST_SHELL_NOISY: [
    'HOST_SHELL_NOISY',
    (host) =>
      `The login shell of host "${host}" prints too much for a command to be heard: let ~/.bashrc and the like be silent`,
  ],
  FILE_CHANGED: [
    'FILE_CHANGED',
    (_, { message }) =>
      `"${message}" changed while it was sent: try again when it is at rest, or write "/${message}" into .flambeauignore`,
  ],
  ENOSPC: diskFull(
    'no space, or no inodes, left on its disk (ENOSPC)',
    '"df -h ~" and "df -i ~" show what there is',
  ),
  EDQUOT: diskFull('no space left for this user (EDQUOT)', '"quota" shows what there is'),
  EROFS: [
    'HOST_READ_ONLY',
    (host) => `The home folder on host "${host}" is read-only: let this user write there`,
  ],
  EACCES: [
    'HOST_NO_ACCESS',
    (host, { detail = '~' }) =>
      `Host "${host}" does not let this user at "${detail}": change its owner or mode`,
  ],
  NOT_UTF8: [
    'HOST_NAME_NOT_UTF8',
    (host, { detail, message }) =>
      `The name of "${detail ?? message}" on host "${host}" is not UTF-8, so it cannot be brought here: rename it, or pack its folder with "tar" there`,
  ],
  ENOENT: [
    'HOST_NO_FILE',
    (host, { detail, message }) => `There is no "${detail ?? message}" on host "${host}": check the path`,
  ],
}
