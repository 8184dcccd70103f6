import { randomUUID } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { FlambeauError, isFlambeauError } from '../../../errors.js'
import { describeError } from '../../../runnable/outcome.js'
import { type SecretsConfig, type SecretValues, secretsOf } from '../../../runnable/secrets/secrets.js'
import { deserializeSecrets, type SerializedSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import { printable } from '../../../util/printable.js'
import { stackOf } from '../../../util/thrown.js'
import { prefix } from './queue.js'
import { connect, type RedisAddress } from './redis.js'
import { startWorkers, type WorkersOptions } from './workers.js'

// Takes tasks from a queue until it is told to end: node worker-program.js < settings.json, or with their path.
// Settings come over standard input or from a file that only its owner can read: arguments are seen by every user.

const checkMs = 1000
/** A place that nobody has is forgotten. */
const leaseSeconds = 3600
/** As long as Redis may be silent. */
const maxSilenceMs = 60_000

/** What there is one of: a machine among those that take tasks from a queue. */
interface LeaseOptions extends RedisAddress {
  readonly queue: string
  readonly place: string
}

/**
 * Takes a place from whoever has it. A machine that was cut off may be given workers anew while the old ones still run
 * there: `onLost` tells those that others have their place, or that Redis has been silent for a minute.
 */
async function acquireLease(
  { queue, place, ...address }: LeaseOptions,
  onLost: (why: string) => void,
): Promise<void> {
  const redis = await connect(address)
  const key = `${prefix}:${queue}:place:${place}`
  const me = randomUUID()
  await redis.set(key, me, 'EX', leaseSeconds)
  let heardAt = Date.now()
  setInterval(async () => {
    if (Date.now() - heardAt > maxSilenceMs) onLost('Redis has been silent for a minute')
    const holder = await redis.getex(key, 'EX', leaseSeconds).catch(() => me)
    heardAt = Date.now()
    if (holder !== null && holder !== me) onLost('others have their place')
  }, checkMs).unref()
}

/** The settings of this program, as JSON. */
export interface WorkerProgramSettings extends Omit<WorkersOptions, 'secrets'> {
  readonly imports?: readonly string[]
  /** What a pool on a cluster has shared; or, as people write it, values by key by section. */
  readonly secrets?: SerializedSecrets | SecretValues
  /** Names what no two of these programs may have at once; the later one has it. */
  readonly place?: string
}

const othersMayRead = 0o077

function readSettings(file: string | undefined): WorkerProgramSettings {
  if (file !== undefined && (statSync(file).mode & othersMayRead) !== 0)
    throw new FlambeauError(
      `"${file}" can be read by others, but holds a password: type "chmod 600 ${file}"`,
      {
        code: 'SETTINGS_READABLE',
        exitCode: mistakeCode,
      },
    )
  return parseSettings(
    readFileSync(file ?? 0, 'utf8'),
    file === undefined ? 'What is on standard input' : `"${file}"`,
  )
}

// The message of "JSON.parse" repeats the text, which holds a password.
function parseSettings(text: string, what: string): WorkerProgramSettings {
  try {
    return JSON.parse(text)
  } catch {
    throw new FlambeauError(`${what} is no JSON: write the options of "startWorkers" as one JSON object`, {
      code: 'SETTINGS_NOT_JSON',
      exitCode: mistakeCode,
    })
  }
}

async function main(): Promise<void> {
  const { place, secrets, ...options } = readSettings(process.argv[2])
  // At once, as Redis may not answer: the processes of the tasks end with this one.
  if (place !== undefined) await acquireLease({ ...options, place }, exitOnLostLease)
  const workers = await startWorkers({ ...options, ...(secrets && { secrets: secretsConfig(secrets) }) })
  workers.onUnfit = exitOnMistake
  console.log('ready')
  const end = (): void => void workers.close().finally(() => process.exit())
  process.once('SIGINT', end).once('SIGTERM', end)
}

function secretsConfig(secrets: SerializedSecrets | SecretValues): SecretsConfig {
  return isShared(secrets) ? deserializeSecrets(secrets) : secretsOf(secrets)
}

function isShared(secrets: SerializedSecrets | SecretValues): secrets is SerializedSecrets {
  return typeof secrets['dialect'] === 'string'
}

function exitOnLostLease(why: string): never {
  console.error(printable(`These workers end: ${why}`))
  process.exit()
}

// The task is not done, and not failed either: whoever started this is told, and knows what to do.
function exitOnMistake(error: NodeJS.ErrnoException): Promise<never> {
  console.error(printable(error.code === undefined ? stackOf(error) : error.message))
  process.exit(mistakeCode)
}

main().catch((error: unknown) => {
  console.error(describeError(error))
  process.exit(isFlambeauError(error) ? error.exitCode : 1)
})
