import { RemoteCommandError } from '../../errors.js'
import type { AgentError } from '../wire/protocol.js'
import { AgentRefusal } from './session-end.js'

/** What a host refused, as an error for who asked; anything else as it is. */
export function explainRefusal(host: string, error: unknown): unknown {
  if (!(error instanceof AgentRefusal)) return error
  const { code, message } = error.agentError
  const [name, explain] = refusals[code] ?? ['HOST_REFUSED', () => `Host "${host}" refused: ${message}`]
  return new RemoteCommandError(explain(host, error.agentError), { code: name, host, cause: error })
}

type Explain = (host: string, error: AgentError) => string

const refusals: Readonly<Record<string, readonly [code: string, explain: Explain]>> = {
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
  ENOSPC: [
    'HOST_DISK_FULL',
    (host) => `Host "${host}" has no space left on its disk: free some ("df -h ~" shows how much there is)`,
  ],
  EROFS: [
    'HOST_READ_ONLY',
    (host) => `The home folder on host "${host}" is read-only: let this user write there`,
  ],
  EACCES: [
    'HOST_NO_ACCESS',
    (host, { detail = '~' }) =>
      `Host "${host}" does not let this user at "${detail}": change its owner or mode`,
  ],
  ENOENT: [
    'HOST_NO_FILE',
    (host, { detail, message }) => `There is no "${detail ?? message}" on host "${host}": check the path`,
  ],
}
