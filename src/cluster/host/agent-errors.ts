import { ClusterError, RemoteCommandError } from '../../errors.js'
import { printable } from '../../util/printable.js'
import { repeatCommand } from '../../util/repeat-command.js'
import type { AgentError } from '../protocol/messages.js'

/** An error that the agent reported. */
export class AgentResponseError extends Error {
  constructor(readonly agentError: AgentError) {
    super(agentError.message)
  }
}

/** A message of a host is not a valid response to the request. */
export class InvalidMessageError extends Error {
  constructor(
    readonly operation: string,
    readonly reason: string,
  ) {
    super(`the response to "${operation}" is invalid: ${reason}`)
  }
}

/** The connection ended before the response was complete; the argument of `explainEnd` of an {@link AgentHost}. */
export class SessionEnded extends Error {
  readonly exitCode: number | null
  readonly stderr: string
  /** The end of what was printed to standard output instead of the agent's greeting. */
  readonly noise: string
  /** Whether the connection was closed because it was silent for too long. */
  readonly timedOut: boolean
  /** Whether the agent had started: the connection worked, and was lost. */
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

/** Turns an error of an agent into an error for the caller; returns any other error unchanged. */
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
  // The replacement character stands for bytes that are not UTF-8.
  const isNoText = code === 'ENOENT' && (detail ?? message).includes('\ufffd')
  return explanations[isNoText ? 'NOT_UTF8' : code]
}

function invalidAnswer(host: string, cause: InvalidMessageError): ClusterError {
  const { operation, reason } = cause
  const message = `Host "${host}" sent an invalid response to "${operation}" (${printable(reason)}), which was discarded: check that nothing on it prints to the output of other programs, and that nobody has tampered with it`
  return new ClusterError(message, { code: 'HOST_BAD_ANSWER', cause })
}

function diskFull(what: string, how: string): readonly [code: string, explain: Explain] {
  return ['HOST_DISK_FULL', (host) => `Host "${host}" has ${what}: free some (${how})`]
}

type Explain = (host: string, error: AgentError) => string

/** Codes whose message is the id of a run, which becomes part of a command to type. */
const codesWithRunId: ReadonlySet<string> = new Set(['RUN_ACTIVE', 'SLURM_SILENT', 'JOB_NOT_ENDED'])
const runIdPattern = /^[\w-]{1,128}$/

const explanations: Readonly<Record<string, readonly [code: string, explain: Explain]>> = {
  RUN_ACTIVE: [
    'RUN_ACTIVE',
    (_, { message, detail }) => {
      const wait = `wait for it ("${repeatCommand(['wait', message])}")`
      const remedy =
        detail === 'start'
          ? `add "--queue" to run after it, "--force" to cancel it, or ${wait}`
          : `${wait}, or cancel it with "--force"`
      return `Run "${message}" is active in this cluster: ${remedy}`
    },
  ],
  RUN_NOT_FOUND: [
    'RUN_NOT_FOUND',
    (_, { message }) =>
      `There is no run "${message}" in this cluster: "${repeatCommand(['runs'])}" lists the runs`,
  ],
  HOST_NO_SSH_CLIENT: [
    'HOST_NO_SSH_CLIENT',
    (host) =>
      `Host "${host}" has no "ssh-keygen", which creates the key of the cluster: install an OpenSSH client ("apt-get install openssh-client")`,
  ],
  HOST_SHELL_NOISY: [
    'HOST_SHELL_NOISY',
    (host) =>
      `The login shell of host "${host}" prints too much before a command can run: remove the output of startup files such as ~/.bashrc`,
  ],
  HOST_NO_SLURM: [
    'HOST_NO_SLURM',
    (host) => `Host "${host}" has no "sbatch": name a login host of Slurm as "login"`,
  ],
  SLURM_REFUSED: ['SLURM_REFUSED', (_, { message }) => message],
  SLURM_SILENT: [
    'SLURM_SILENT',
    (host, { message, detail = '' }) =>
      `Slurm does not answer on host "${host}" (${printable(detail)}), so run "${message}" is not cancelled: try again when "sinfo" answers there`,
  ],
  JOB_NOT_ENDED: [
    'JOB_NOT_ENDED',
    (host, { message }) =>
      `Slurm accepted the request to cancel run "${message}", but its job is still active: "squeue --name=flambeau-${message}" on host "${host}" shows its state`,
  ],
  FILE_CHANGED: ['FILE_CHANGED', (_, { message }) => changedWhileSent(message)],
  ENOSPC: diskFull(
    'no space, or no inodes, left on its disk (ENOSPC)',
    '"df -h ~" and "df -i ~" show the usage',
  ),
  EDQUOT: diskFull('no space left for this user (EDQUOT)', '"quota" shows the usage'),
  EROFS: [
    'HOST_READ_ONLY',
    (host) => `The home folder on host "${host}" is read-only: make it writable for this user`,
  ],
  EACCES: [
    'HOST_NO_ACCESS',
    (host, { detail = '~' }) =>
      `This user cannot access "${detail}" on host "${host}": change its owner or mode`,
  ],
  NOT_UTF8: [
    'HOST_NAME_NOT_UTF8',
    (host, { detail, message }) =>
      `The name of "${detail ?? message}" on host "${host}" is not UTF-8, so it cannot be fetched: rename it, or pack its folder with "tar" on the host`,
  ],
  ENOENT: [
    'HOST_NO_FILE',
    (host, { detail, message }) => `There is no "${detail ?? message}" on host "${host}": check the path`,
  ],
}

function changedWhileSent(path: string): string {
  return `"${path}" changed while it was sent: try again when nothing writes to it, or leave it out: add "/${path}" to .flambeauignore, or exclude data of the run with "!${path}"`
}

/** The error of a file that was written or removed while it was sent. */
export function fileChanged(path: string, cause?: unknown): ClusterError {
  return new ClusterError(changedWhileSent(path), { code: 'FILE_CHANGED', cause })
}
