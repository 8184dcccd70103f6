import { ClusterError } from '../../errors.js'
import { noNode, oldNode } from './launcher.js'
import type { SessionEnded } from './session-end.js'
import type { SSHHostOptions } from './ssh-options.js'

interface Explanation {
  readonly pattern: RegExp
  readonly code: string
  readonly say: (host: string, options: SSHHostOptions) => string
}

/** What OpenSSH says (sshconnect.c, ssh.c and readconf.c of its source), and what it means to a user. */
const explanations: readonly Explanation[] = [
  {
    // What this process says itself, when there is no such program.
    pattern: /^spawn ssh ENOENT/,
    code: 'NO_SSH_CLIENT',
    say: (host) =>
      `This machine has no "ssh", by which host "${host}" is reached: install an OpenSSH client ("apt-get install openssh-client")`,
  },
  {
    pattern: new RegExp(noNode),
    code: 'HOST_NO_NODE',
    say: (host) =>
      `Host "${host}" has no Node: install Node 20.19 or newer there, or say where it is ("node: /path/to/node")`,
  },
  {
    pattern: new RegExp(oldNode),
    code: 'HOST_OLD_NODE',
    say: (host) =>
      `Host "${host}" has an old Node: install Node 20.19 or newer there, or say where one is ("node: /path/to/node")`,
  },
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'HOST_KEY_CHANGED',
    say: (host) =>
      `Host "${host}" has another key than before, so nothing was sent: if it was installed anew, forget the old key with "ssh-keygen -R ${host}"; if not, someone may be in between`,
  },
  {
    pattern: /Host key verification failed|No \S+ host key is known/,
    code: 'HOST_KEY_UNKNOWN',
    say: (host) =>
      `Host "${host}" has a key that is not known, so nothing was sent: compare it with that of the machine, and add it to known_hosts or to "host_keys"`,
  },
  {
    pattern: /Identity file .* not accessible|no such identity/,
    code: 'NO_KEY_FILE',
    say: (_, { key }) => `There is no key file "${key}": check the path at "key"`,
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    code: 'HOST_LOGIN_REFUSED',
    say: (host, { user, key }) =>
      `Host "${host}" refuses ${user === undefined ? 'the login' : `user "${user}"`} with ${key === undefined ? 'the keys at hand' : `key "${key}"`}: see that "ssh ${user === undefined ? '' : `${user}@`}${host}" works without asking for anything (a key with a passphrase needs an agent: "ssh-add")`,
  },
  {
    pattern: /Could not resolve hostname/,
    code: 'HOST_NOT_FOUND',
    say: (host) => `There is no host "${host}": check the name, or write its address`,
  },
  {
    pattern: /Can't open user config file|Bad configuration option|terminating, \d+ bad configuration/,
    code: 'BAD_SSH_CONFIG',
    say: (_, { sshConfig = '~/.ssh/config' }) => `ssh cannot use "${sshConfig}"`,
  },
  {
    pattern: /Connection refused/,
    code: 'HOST_UNREACHABLE',
    say: (host, { port }) =>
      `Host "${host}" is there, but no SSH server answers${port === undefined ? '' : ` on port ${port}`}: start it, or check "port"`,
  },
  {
    pattern: /timed out|No route to host|Network is unreachable|not responding/i,
    code: 'HOST_UNREACHABLE',
    say: (host) => `Host "${host}" does not answer: see that it is on, and that its address is right`,
  },
]

/** What is wrong when `ssh` ended before the agent on the other side had answered. */
export function explainSsh(options: SSHHostOptions, ended: SessionEnded): ClusterError {
  const { address } = options
  const { stderr, exitCode, greeted } = ended
  // What ssh says of a connection that was good may sound like one that never was.
  const found = greeted ? undefined : explanations.find(({ pattern }) => pattern.test(stderr))
  if (found) return new ClusterError(found.say(address, options), { code: found.code, cause: ended })
  const last = stderr.split('\n').at(-1)?.trim()
  const how =
    exitCode === 255 || exitCode === null ? 'The connection to' : `The agent (exit code ${exitCode}) on`
  const message = `${how} host "${address}" ended${last ? `: ${last}` : ''}`
  return new ClusterError(message, { code: 'HOST_LOST', cause: ended })
}
