import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { quoteArgument } from '../../util/shell.js'
import { SessionEnded } from './agent-errors.js'
import { explainSshError } from './ssh-errors.js'
import { type CompleteSSHOptions, destinationArguments, keyArguments } from './ssh-options.js'

const execute = promisify(execFile)

/** The settings of ssh for a host, by name in lower case; a setting may have several values. */
export type SSHSettings = ReadonlyMap<string, readonly string[]>

/**
 * Reads the settings of a host with `ssh -G`, which opens no connection.
 *
 * @throws `ClusterError` when ssh cannot use its configuration.
 */
export async function readSettings(options: CompleteSSHOptions): Promise<SSHSettings> {
  const args = ['-G', ...destinationArguments(options), ...keyArguments(options), '--', options.address]
  const text = await printedSettings(args).catch(({ code, stderr, message }) => {
    const exitCode = typeof code === 'number' ? code : null
    throw explainSshError(options, new SessionEnded({ exitCode, stderr: stderr || message, greeted: false }))
  })
  const settings = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [name = '', ...words] = line.split(' ')
    settings.set(name, [...(settings.get(name) ?? []), words.join(' ')])
  }
  return settings
}

/** How many hosts one shell asks ssh about, one after another. */
const perShell = 25
/** The line after the settings of a host, with the exit code of ssh. */
const endMark = '--flambeau-end'

interface Question {
  readonly args: readonly string[]
  readonly resolve: (settings: Promise<string>) => void
}

let questions: Question[] = []

/**
 * What `ssh` prints. For hosts that are asked about at the same time, one shell starts `ssh`: a process that this one
 * starts keeps it from all else several times longer.
 */
function printedSettings(args: readonly string[]): Promise<string> {
  if (questions.length === 0) setImmediate(answerAll)
  return new Promise((resolve) => questions.push({ args, resolve }))
}

function answerAll(): void {
  const asked = questions
  questions = []
  for (let start = 0; start < asked.length; start += perShell)
    void answer(asked.slice(start, start + perShell))
}

async function answer(asked: readonly Question[]): Promise<void> {
  const printed = asked.length === 1 ? [] : await printedByShell(asked.map(({ args }) => args))
  // Alone, ssh says what it cannot use.
  for (const [index, { args, resolve }] of asked.entries())
    resolve(printed[index] === undefined ? runSsh(args) : Promise.resolve(printed[index]))
}

async function runSsh(args: readonly string[]): Promise<string> {
  return (await execute('ssh', args)).stdout
}

/** What `ssh` prints with each of some arguments; `undefined` where it fails. */
async function printedByShell(all: readonly (readonly string[])[]): Promise<(string | undefined)[]> {
  const commands = all.map(
    (args) => `ssh ${args.map(quoteArgument).join(' ')} 2>/dev/null; echo "${endMark} $?"`,
  )
  const { stdout } = await execute('sh', ['-c', commands.join('\n')], { maxBuffer: 1 << 26 }).catch(() => ({
    stdout: '',
  }))
  const ends = [...stdout.matchAll(new RegExp(`^${endMark} (\\d+)\n`, 'gm'))]
  return ends.map((end, index) => {
    const previous = ends[index - 1]
    const start = previous ? previous.index + previous[0].length : 0
    return end[1] === '0' ? stdout.slice(start, end.index) : undefined
  })
}
