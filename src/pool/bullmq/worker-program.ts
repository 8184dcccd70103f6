// Takes tasks from a queue until it is told to end: node worker-program.js < settings.json, or with their path.
// Settings come over standard input or from a file that only its owner can read: arguments are seen by every user.

import { readFileSync, statSync } from 'node:fs'
import { FlambeauError, isFlambeauError } from '../../errors.js'
import { describeError } from '../../runnable/describe-error.js'
import type { SecretsConfig } from '../../runnable/secrets/secrets.js'
import { type SecretValues, secretsOf } from '../../runnable/secrets/secrets-of.js'
import { type SharedSecrets, sharedSecrets } from '../../runnable/secrets/shared-secrets.js'
import { mistakeCode } from '../../util/exit-codes.js'
import { printable } from '../../util/printable.js'
import { stackOf } from '../../util/thrown.js'
import { takePlace } from './place.js'
import { startWorkers, type WorkersOptions } from './workers.js'

/** The settings of this program, as JSON. */
export interface WorkerProgramSettings extends Omit<WorkersOptions, 'secrets'> {
  readonly imports?: readonly string[]
  /** What a pool on a cluster has shared; or, as people write it, values by key by section. */
  readonly secrets?: SharedSecrets | SecretValues
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
  return parsed(
    readFileSync(file ?? 0, 'utf8'),
    file === undefined ? 'What is on standard input' : `"${file}"`,
  )
}

// The message of "JSON.parse" repeats the text, which holds a password.
function parsed(text: string, what: string): WorkerProgramSettings {
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
  if (place !== undefined) await takePlace({ ...options, place }, leave)
  const workers = await startWorkers({ ...options, ...(secrets && { secrets: configOf(secrets) }) })
  workers.onUnfit = unfit
  console.log('ready')
  const end = (): void => void workers.close().finally(() => process.exit())
  process.once('SIGINT', end).once('SIGTERM', end)
}

function configOf(secrets: SharedSecrets | SecretValues): SecretsConfig {
  return isShared(secrets) ? sharedSecrets(secrets) : secretsOf(secrets)
}

function isShared(secrets: SharedSecrets | SecretValues): secrets is SharedSecrets {
  return typeof secrets['dialect'] === 'string'
}

function leave(why: string): never {
  console.error(printable(`These workers end: ${why}`))
  process.exit()
}

// The task is not done, and not failed either: whoever started this is told, and knows what to do.
function unfit(error: NodeJS.ErrnoException): Promise<never> {
  console.error(printable(error.code === undefined ? stackOf(error) : error.message))
  process.exit(mistakeCode)
}

main().catch((error: unknown) => {
  console.error(describeError(error))
  process.exit(isFlambeauError(error) ? error.exitCode : 1)
})
