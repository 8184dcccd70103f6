import { ClusterError } from '../../errors.js'
import { quoteArgument } from '../../util/shell.js'
import type { SessionEnded } from './agent-errors.js'
import { noNodeMark, oldNodeMark, shellReplacedMark } from './launcher.js'
import type { SSHHostOptions } from './ssh-options.js'

/** What an explanation can refer to. */
interface Failure {
  readonly host: string
  readonly options: SSHHostOptions
  /** The output of ssh. */
  readonly output: string
  /** The match of its pattern. */
  readonly match: RegExpExecArray
}

interface Explanation {
  readonly pattern: RegExp
  readonly code: string
  readonly message: (failure: Failure) => string
}

/** The line that limits a startup file to interactive shells. */
const onlyInteractive = '"[[ $- == *i* ]] || return" as its first line'

/** The messages of OpenSSH (sshconnect.c, ssh.c and readconf.c of its source), and what they mean to a user. */
const explanations: readonly Explanation[] = [
  {
    // The error of Node when the program does not exist.
    pattern: /^spawn ssh ENOENT/,
    code: 'NO_SSH_CLIENT',
    message: ({ host }) =>
      `This machine has no "ssh" to connect to host "${host}": install an OpenSSH client ("apt-get install openssh-client")`,
  },
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'HOST_KEY_CHANGED',
    message: ({ host, output }) =>
      `The key of host "${host}" has changed, so nothing was sent: if the host was reinstalled, remove the old key with "${removeKeyCommand(host, output)}"; if not, someone may be intercepting the connection`,
  },
  {
    pattern: /Host key verification failed|No \S+ host key is known/,
    code: 'HOST_KEY_UNKNOWN',
    message: ({ host }) =>
      `The key of host "${host}" is unknown, so nothing was sent: compare it with the key on the host, and add it to known_hosts or to "host_keys"`,
  },
  {
    pattern: /Bad owner or permissions on (\S.*)/,
    code: 'BAD_SSH_CONFIG',
    message: ({ match: [, file = ''] }) =>
      `ssh does not read "${file.trim()}", since other users can write to it: type "chmod 600 ${quoteArgument(file.trim())}" as its owner`,
  },
  {
    pattern: /Can't open user config file|Bad configuration option|terminating, \d+ bad configuration/,
    code: 'BAD_SSH_CONFIG',
    message: ({ output, options: { sshConfig = '~/.ssh/config' } }) =>
      `ssh cannot use "${sshConfig}": ${output.split('\n')[0]!.trim()}`,
  },
  {
    pattern: /Identity file .* not accessible|no such identity/,
    code: 'NO_KEY_FILE',
    message: ({ options: { key } }) => `There is no key file "${key}": check the path at "key"`,
  },
  {
    pattern: /Permissions (\d+) for '(.+)' are too open/,
    code: 'BAD_KEY_FILE',
    message: ({ match: [, mode, file = ''] }) =>
      `Other users can read the key file "${file}" (its mode is ${mode}), so ssh does not use it: type "chmod 600 ${quoteArgument(file)}"`,
  },
  {
    pattern: /Load key "(.+)": (.+)/,
    code: 'BAD_KEY_FILE',
    message: ({ match: [, file, reason = ''] }) =>
      `ssh cannot read the key file "${file}" (${reason.trim()}): check that it is a private key, and that you can read it`,
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    code: 'HOST_LOGIN_REFUSED',
    message: ({ host, options: { user, key } }) =>
      `Host "${host}" refuses ${user === undefined ? 'the login' : `user "${user}"`} with ${key === undefined ? 'the available keys' : `key "${key}"`}: check that "ssh ${user === undefined ? '' : `${user}@`}${host}" logs in without a prompt (a key with a passphrase needs an agent: "ssh-add")`,
  },
  {
    pattern: /Could not resolve hostname/,
    code: 'HOST_NOT_FOUND',
    message: ({ host }) => `There is no host "${host}": check the name, or write its address`,
  },
  {
    pattern: /Connection refused/,
    code: 'HOST_UNREACHABLE',
    message: ({ host, options: { port } }) =>
      `Host "${host}" has no SSH server${port === undefined ? '' : ` on port ${port}`}: start it, or check "port"`,
  },
  {
    pattern: /timed out|No route to host|Network is unreachable|not responding/i,
    code: 'HOST_UNREACHABLE',
    message: ({ host }) =>
      `Host "${host}" does not answer: check that it is running, and that its address is right`,
  },
]

/** What the host prints when the agent cannot start. */
const shellExplanations: readonly Explanation[] = [
  {
    pattern: new RegExp(noNodeMark),
    code: 'HOST_NO_NODE',
    message: ({ host, options: { node } }) =>
      node === undefined
        ? `Host "${host}" has no Node: install Node 20.19 or newer, or write its path ("node: /path/to/node")`
        : `Host "${host}" has no Node at "${node}": check the path at "node", or remove it, so that Node is searched for`,
  },
  {
    pattern: new RegExp(`${oldNodeMark}(.*)`),
    code: 'HOST_OLD_NODE',
    message: ({ host, match: [, versions = ''] }) =>
      `Host "${host}" has an old Node (${versions.trim().slice(0, 300)}): install Node 20.19 or newer, or write the path of one ("node: /path/to/node")`,
  },
  {
    pattern: new RegExp(shellReplacedMark),
    code: 'HOST_SHELL_REPLACED',
    message: ({ host }) =>
      `A startup file of the login shell on host "${host}", such as ~/.bashrc, starts another shell ("exec zsh"), so that no command can run: limit that to interactive shells, with ${onlyInteractive}`,
  },
  {
    pattern: /account is (?:currently )?not available|nologin/i,
    code: 'HOST_NO_SHELL',
    message: ({ host, options: { user } }) =>
      `${user === undefined ? 'The user' : `User "${user}"`} on host "${host}" may not run commands (its shell is nologin): use another user, or change its shell ("sudo chsh -s /bin/sh ${user ?? '$(id -un)'}")`,
  },
]

/** Returns the error for an `ssh` that exited before the response was complete. */
export function explainSshError(options: SSHHostOptions, end: SessionEnded): ClusterError {
  // The message of ssh for a lost connection may look like one for a connection that could not be opened.
  if (end.greeted) return lostConnection(options, end)
  const ofShell = findExplanation(shellExplanations, `${end.noise}\n${end.stderr}`, { options, end })
  if (ofShell) return ofShell
  // The shell prints to standard error, as ssh does.
  if (isShellExit(end)) return shellExited(options, end)
  const ofSsh = findExplanation(explanations, end.stderr, { options, end })
  return ofSsh ?? (end.timedOut ? silentHost(options, end) : lostConnection(options, end))
}

interface ExplanationContext {
  readonly options: SSHHostOptions
  readonly end: SessionEnded
}

function findExplanation(
  list: readonly Explanation[],
  output: string,
  { options, end }: ExplanationContext,
): ClusterError | undefined {
  for (const { pattern, code, message } of list) {
    const match = pattern.exec(output)
    if (!match) continue
    return new ClusterError(message({ host: options.address, options, output, match }), {
      code,
      cause: end,
    })
  }
  return undefined
}

function silentHost({ address: host }: SSHHostOptions, cause: SessionEnded): ClusterError {
  const message = `Host "${host}" was silent for too long: if "ssh ${host} true" hangs as well, a startup file of the login shell, such as ~/.bashrc, reads standard input or waits: limit that to interactive shells, with ${onlyInteractive}`
  return new ClusterError(message, { code: 'HOST_SILENT', cause })
}

// The exit code of ssh itself is 255.
function isShellExit({ exitCode }: SessionEnded): boolean {
  return exitCode !== null && exitCode !== 255
}

function shellExited({ address: host }: SSHHostOptions, end: SessionEnded): ClusterError {
  const last = lastLine(end.stderr) || lastLine(end.noise)
  const message = `The login shell of host "${host}" exited with code ${end.exitCode} before the command could run${last === '' ? '' : ` (${last})`}: check that "ssh ${host} true" works`
  return new ClusterError(message, { code: 'HOST_SHELL_ENDED', cause: end })
}

function lostConnection({ address: host }: SSHHostOptions, end: SessionEnded): ClusterError {
  const subject = isShellExit(end) ? `The agent (exit code ${end.exitCode}) on` : 'The connection to'
  const last = lastLine(end.stderr)
  const message = `${subject} host "${host}" ended${last === '' ? '' : `: ${last}`}`
  return new ClusterError(message, { code: 'HOST_LOST', cause: end })
}

/** The last line of an output, without control characters. */
export function lastLine(output: string): string {
  const last = output.trim().split('\n').at(-1) ?? ''
  return (
    last
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
      .trim()
      .slice(0, 300)
  )
}

// The name and file that ssh used: known_hosts does not contain aliases.
function removeKeyCommand(host: string, output: string): string {
  const [, name = host] = /Host key for (\S+) has changed/.exec(output) ?? []
  const [, file] = /Offending .*key in (.+):\d+/.exec(output) ?? []
  return `ssh-keygen -R ${quoteArgument(name)}${file === undefined ? '' : ` -f ${quoteArgument(file)}`}`
}
