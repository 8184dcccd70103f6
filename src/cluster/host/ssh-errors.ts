import { ClusterError } from '../../errors.js'
import { quoteArgument } from '../../util/shell.js'
import type { SessionEnded } from './agent-errors.js'
import { noNodeMark, oldNodeMark, shellReplacedMark } from './launcher.js'
import type { SSHHostOptions } from './ssh-options.js'

/** What an explanation may speak of. */
interface Failure {
  readonly host: string
  readonly options: SSHHostOptions
  /** All that was said. */
  readonly said: string
  /** What its pattern found. */
  readonly found: RegExpExecArray
}

interface Explanation {
  readonly pattern: RegExp
  readonly code: string
  readonly say: (failure: Failure) => string
}

/** What a startup file begins with that does something only where somebody types. */
const onlyInteractive = '"[[ $- == *i* ]] || return" as its first line'

/** What OpenSSH says (sshconnect.c, ssh.c and readconf.c of its source), and what it means to a user. */
const explanations: readonly Explanation[] = [
  {
    // What this process says itself, when there is no such program.
    pattern: /^spawn ssh ENOENT/,
    code: 'NO_SSH_CLIENT',
    say: ({ host }) =>
      `This machine has no "ssh", by which host "${host}" is reached: install an OpenSSH client ("apt-get install openssh-client")`,
  },
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'HOST_KEY_CHANGED',
    say: ({ host, said }) =>
      `Host "${host}" has another key than before, so nothing was sent: if it was installed anew, forget the old key with "${forgetKey(host, said)}"; if not, someone may be in between`,
  },
  {
    pattern: /Host key verification failed|No \S+ host key is known/,
    code: 'HOST_KEY_UNKNOWN',
    say: ({ host }) =>
      `Host "${host}" has a key that is not known, so nothing was sent: compare it with that of the machine, and add it to known_hosts or to "host_keys"`,
  },
  {
    pattern: /Bad owner or permissions on (\S.*)/,
    code: 'BAD_SSH_CONFIG',
    say: ({ found: [, file = ''] }) =>
      `ssh does not read "${file.trim()}", since others may write in it: type "chmod 600 ${quoteArgument(file.trim())}" as its owner`,
  },
  {
    pattern: /Can't open user config file|Bad configuration option|terminating, \d+ bad configuration/,
    code: 'BAD_SSH_CONFIG',
    say: ({ said, options: { sshConfig = '~/.ssh/config' } }) =>
      `ssh cannot use "${sshConfig}": ${said.split('\n')[0]!.trim()}`,
  },
  {
    pattern: /Identity file .* not accessible|no such identity/,
    code: 'NO_KEY_FILE',
    say: ({ options: { key } }) => `There is no key file "${key}": check the path at "key"`,
  },
  {
    pattern: /Permissions (\d+) for '(.+)' are too open/,
    code: 'BAD_KEY_FILE',
    say: ({ found: [, mode, file = ''] }) =>
      `Others can read the key file "${file}" (its mode is ${mode}), so ssh does not use it: type "chmod 600 ${quoteArgument(file)}"`,
  },
  {
    pattern: /Load key "(.+)": (.+)/,
    code: 'BAD_KEY_FILE',
    say: ({ found: [, file, reason = ''] }) =>
      `ssh cannot read the key file "${file}" (${reason.trim()}): see that it is a private key, and that you may read it`,
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    code: 'HOST_LOGIN_REFUSED',
    say: ({ host, options: { user, key } }) =>
      `Host "${host}" refuses ${user === undefined ? 'the login' : `user "${user}"`} with ${key === undefined ? 'the keys at hand' : `key "${key}"`}: see that "ssh ${user === undefined ? '' : `${user}@`}${host}" works without asking for anything (a key with a passphrase needs an agent: "ssh-add")`,
  },
  {
    pattern: /Could not resolve hostname/,
    code: 'HOST_NOT_FOUND',
    say: ({ host }) => `There is no host "${host}": check the name, or write its address`,
  },
  {
    pattern: /Connection refused/,
    code: 'HOST_UNREACHABLE',
    say: ({ host, options: { port } }) =>
      `Host "${host}" is there, but no SSH server answers${port === undefined ? '' : ` on port ${port}`}: start it, or check "port"`,
  },
  {
    pattern: /timed out|No route to host|Network is unreachable|not responding/i,
    code: 'HOST_UNREACHABLE',
    say: ({ host }) => `Host "${host}" does not answer: see that it is on, and that its address is right`,
  },
]

/** What is said on the other side when it does not come to the agent. */
const shellExplanations: readonly Explanation[] = [
  {
    pattern: new RegExp(noNodeMark),
    code: 'HOST_NO_NODE',
    say: ({ host, options: { node } }) =>
      node === undefined
        ? `Host "${host}" has no Node: install Node 20.19 or newer there, or say where it is ("node: /path/to/node")`
        : `Host "${host}" has no Node at "${node}": check the path at "node", or leave it out to have Node looked for`,
  },
  {
    pattern: new RegExp(`${oldNodeMark}(.*)`),
    code: 'HOST_OLD_NODE',
    say: ({ host, found: [, versions = ''] }) =>
      `Host "${host}" has an old Node (${versions.trim().slice(0, 300)}): install Node 20.19 or newer there, or say where one is ("node: /path/to/node")`,
  },
  {
    pattern: new RegExp(shellReplacedMark),
    code: 'HOST_SHELL_REPLACED',
    say: ({ host }) =>
      `A startup file of the login shell on host "${host}", such as ~/.bashrc, starts another shell ("exec zsh"), so that no command runs: let it do so only where somebody types, with ${onlyInteractive}`,
  },
  {
    pattern: /account is (?:currently )?not available|nologin/i,
    code: 'HOST_NO_SHELL',
    say: ({ host, options: { user } }) =>
      `${user === undefined ? 'The user' : `User "${user}"`} on host "${host}" may not run commands (its shell is nologin): take another user, or give it a shell there ("sudo chsh -s /bin/sh ${user ?? '$(id -un)'}")`,
  },
]

/** What is wrong when `ssh` ended before the agent on the other side had answered. */
export function explainSshError(options: SSHHostOptions, ended: SessionEnded): ClusterError {
  // What ssh says of a connection that was good may sound like one that never was.
  if (ended.greeted) return lostConnection(options, ended)
  const ofShell = findExplanation(shellExplanations, `${ended.noise}\n${ended.stderr}`, { options, ended })
  if (ofShell) return ofShell
  // It speaks on standard error as ssh does.
  if (isShellExit(ended)) return shellExited(options, ended)
  const ofSsh = findExplanation(explanations, ended.stderr, { options, ended })
  return ofSsh ?? (ended.timedOut ? silentHost(options, ended) : lostConnection(options, ended))
}

interface ExplanationContext {
  readonly options: SSHHostOptions
  readonly ended: SessionEnded
}

function findExplanation(
  list: readonly Explanation[],
  said: string,
  { options, ended }: ExplanationContext,
): ClusterError | undefined {
  for (const { pattern, code, say } of list) {
    const found = pattern.exec(said)
    if (!found) continue
    return new ClusterError(say({ host: options.address, options, said, found }), { code, cause: ended })
  }
  return undefined
}

function silentHost({ address: host }: SSHHostOptions, cause: SessionEnded): ClusterError {
  const message = `Host "${host}" said nothing for too long: if "ssh ${host} true" waits as well, a startup file of the login shell, such as ~/.bashrc, reads standard input or waits for something: let it do so only where somebody types, with ${onlyInteractive}`
  return new ClusterError(message, { code: 'HOST_SILENT', cause })
}

// ssh itself ends with 255.
function isShellExit({ exitCode }: SessionEnded): boolean {
  return exitCode !== null && exitCode !== 255
}

function shellExited({ address: host }: SSHHostOptions, ended: SessionEnded): ClusterError {
  const last = lastLine(ended.stderr) || lastLine(ended.noise)
  const message = `The login shell of host "${host}" ended with exit code ${ended.exitCode} before the command could run${last === '' ? '' : ` (${last})`}: see that "ssh ${host} true" works`
  return new ClusterError(message, { code: 'HOST_SHELL_ENDED', cause: ended })
}

function lostConnection({ address: host }: SSHHostOptions, ended: SessionEnded): ClusterError {
  const how = isShellExit(ended) ? `The agent (exit code ${ended.exitCode}) on` : 'The connection to'
  const last = lastLine(ended.stderr)
  const message = `${how} host "${host}" ended${last === '' ? '' : `: ${last}`}`
  return new ClusterError(message, { code: 'HOST_LOST', cause: ended })
}

/** The last line of what was said; control characters are nothing for a terminal. */
export function lastLine(said: string): string {
  const last = said.trim().split('\n').at(-1) ?? ''
  return (
    last
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
      .trim()
      .slice(0, 300)
  )
}

// The name and the file are those that ssh looked at: an alias is in no known_hosts.
function forgetKey(host: string, said: string): string {
  const [, name = host] = /Host key for (\S+) has changed/.exec(said) ?? []
  const [, file] = /Offending .*key in (.+):\d+/.exec(said) ?? []
  return `ssh-keygen -R ${quoteArgument(name)}${file === undefined ? '' : ` -f ${quoteArgument(file)}`}`
}
