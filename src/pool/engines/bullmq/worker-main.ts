// The program of workers: runs tasks of a queue until it is terminated. It reads its settings as JSON from standard
// input, or from a file that only its owner can read: arguments are visible to every user of the host.
import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { FlambeauError, isFlambeauError } from '../../../errors.js'
import { moduleUrls } from '../../../modules/resolve.js'
import { describeError } from '../../../runnable/outcome.js'
import type { SecretsConfig } from '../../../runnable/secrets/secrets.js'
import { type SecretValues, secretsOf } from '../../../runnable/secrets/secrets.js'
import { deserializeSecrets, type SerializedSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { doesNotFitCode, mistakeCode } from '../../../util/exit-codes.js'
import { projectVariable } from '../../../util/not-sent.js'
import { printable } from '../../../util/printable.js'
import { commandLine } from '../../../util/shell.js'
import { stackOf } from '../../../util/thrown.js'
import { FrameSink, readyLine } from '../cluster/output-frames.js'
import { standardError } from '../output-sink.js'
import { prefix } from './queue.js'
import { connect, type RedisAddress } from './redis.js'
import { startWorkersWith, type WorkersOptions } from './workers.js'

/** The settings of this program, as JSON. */
export interface WorkerProgramSettings extends Omit<WorkersOptions, 'secrets'> {
  readonly imports?: readonly string[]
  /** Secrets that a pool on a cluster has sent; or values by key by section, as people write them. */
  readonly secrets?: SerializedSecrets | SecretValues
  /** The name of a lease on the queue: of two programs with the same name, the one that started first ends. */
  readonly place?: string
  /** @internal The name of this host in a cluster: tasks whose folders it has come back to it. */
  readonly worker?: string
  /** @internal Sends the output of the tasks as frames, to a pool on a cluster. */
  readonly frames?: { readonly hasLogs: boolean }
  /** @internal The folders of a run on a cluster: the copy of its project, and the one in it that the tasks work in. */
  readonly work?: { readonly project: string; readonly folder: string }
}

async function main(): Promise<void> {
  const { place, secrets, frames, ...options } = enterWorkFolder(readSettings(process.argv[2]))
  // Before anything else, as Redis may not answer. The processes of the tasks end with this one.
  if (place !== undefined) await acquireLease({ ...options, place }, exitOnLostLease)
  const output = frames ? new FrameSink(frames) : standardError
  const complete = secrets ? { ...options, secrets: secretsConfig(secrets) } : options
  const workers = await startWorkersWith(output, complete)
  workers.onUnfit = exitOnMistake
  console.log(readyLine)
  const end = (): void => void workers.close().finally(() => process.exit())
  process.once('SIGINT', end).once('SIGTERM', end)
}

// The settings of a pool on a cluster are relative to the home folder.
function enterWorkFolder({ work, ...settings }: WorkerProgramSettings): WorkerProgramSettings {
  if (!work) return settings
  const { imports = [], folder = '.' } = settings
  const absolute = { ...settings, imports: moduleUrls(imports), folder: resolve(folder) }
  process.env[projectVariable] = work.project
  process.chdir(work.folder)
  return absolute
}

const othersMayRead = 0o077

function readSettings(file: string | undefined): WorkerProgramSettings {
  if (file === undefined) return parseSettings(readFileSync(0, 'utf8'), 'The text on standard input')
  if ((statSync(file).mode & othersMayRead) !== 0)
    throw new FlambeauError(
      `"${file}" holds a password, but others can read it: type "${commandLine(['chmod', '600', file])}"`,
      {
        code: 'SETTINGS_READABLE',
        exitCode: mistakeCode,
      },
    )
  return parseSettings(readFileSync(file, 'utf8'), `"${file}"`)
}

// The message of "JSON.parse" repeats the text, which holds a password.
function parseSettings(text: string, source: string): WorkerProgramSettings {
  try {
    return JSON.parse(text)
  } catch {
    const message = `${source} is not JSON: write the options of "startWorkers" as one JSON object`
    throw new FlambeauError(message, { code: 'SETTINGS_NOT_JSON', exitCode: mistakeCode })
  }
}

function secretsConfig(secrets: SerializedSecrets | SecretValues): SecretsConfig {
  return isShared(secrets) ? deserializeSecrets(secrets) : secretsOf(secrets)
}

function isShared(secrets: SerializedSecrets | SecretValues): secrets is SerializedSecrets {
  return typeof secrets['dialect'] === 'string'
}

const checkMs = 1000
/** After this time a lease is forgotten that nobody renews. */
const leaseSeconds = 3600
/** How long Redis may be silent before the lease counts as lost. */
const maxSilenceMs = 60_000

interface LeaseOptions extends RedisAddress {
  readonly queue: string
  readonly place: string
}

/**
 * Takes the lease of a name over from its holder. When a machine was cut off, new workers may be started there while
 * the old ones still run: `onLost` ends those.
 */
async function acquireLease(
  { queue, place, ...address }: LeaseOptions,
  onLost: (why: string) => void,
): Promise<void> {
  const redis = await connect(address)
  const key = `${prefix}:${queue}:place:${place}`
  const token = randomUUID()
  await redis.set(key, token, 'EX', leaseSeconds)
  let answeredAt = Date.now()
  setInterval(async () => {
    if (Date.now() - answeredAt > maxSilenceMs) onLost('Redis has been silent for a minute')
    const holder = await redis.getex(key, 'EX', leaseSeconds).catch(() => token)
    answeredAt = Date.now()
    if (holder !== null && holder !== token) onLost('other workers have replaced them')
  }, checkMs).unref()
}

function exitOnLostLease(why: string): never {
  console.error(printable(`These workers end: ${why}`))
  process.exit()
}

// The task has neither run nor failed: whoever started this program decides what to do.
function exitOnMistake(error: NodeJS.ErrnoException): Promise<never> {
  console.error(printable(error.code === undefined ? stackOf(error) : error.message))
  process.exit(mistakeCode)
}

main().catch((error: unknown) => {
  console.error(describeError(error))
  const doesNotFit = isFlambeauError(error) && error.code === 'NEEDS_DO_NOT_FIT'
  process.exit(doesNotFit ? doesNotFitCode : isFlambeauError(error) ? error.exitCode : 1)
})
