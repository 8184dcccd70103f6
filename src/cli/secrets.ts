import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type FlambeauError, isFlambeauError, SecretsFileError } from '../errors.js'
import type { Logger } from '../logger.js'
import { reportProblems } from '../problem-report.js'
import {
  decodeSecrets,
  parseSecrets,
  type ReadSecretsOptions,
  readSecrets,
} from '../runnable/secrets/read-secrets.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import { codeOf } from '../util/thrown.js'
import type { Settings } from './settings.js'

/** The largest text of secrets on standard input, in bytes. */
const largest = 1 << 20
const defaultFile = '~/.flambeau/secrets.ini'

/**
 * The secrets that the flags or the project name: a path or `env:PREFIX_` as it is, those of standard input for `-`, and
 * those of `~/.flambeau/secrets.ini`, if there is such a file, when neither names any. Standard input can be read only once.
 *
 * @throws `SecretsFileError` when the secrets on standard input or in the default file are wrong.
 */
export async function secretsOfFlags(
  { secrets, secretsDialect: dialect }: Pick<Settings, 'secrets' | 'secretsDialect'>,
  logger: Logger,
): Promise<string | SecretsConfig | undefined> {
  if (secrets === '-') return readStandardInput(process.stdin, { dialect })
  if (secrets !== undefined) return secrets || undefined
  return readDefaultFile({ dialect }, logger)
}

async function readStandardInput(
  input: Readable & { isTTY?: boolean },
  options: ReadSecretsOptions,
): Promise<SecretsConfig> {
  if (input.isTTY) throw noInput('is a terminal, which would show them')
  const bytes = await readLimited(input, largest)
  if (!bytes) {
    const message = 'Secrets on standard input have more than 1 MB: pipe an INI file into this command'
    throw new SecretsFileError(message, { code: 'SECRETS_TOO_LARGE' })
  }
  if (bytes.length === 0) throw noInput('is empty')
  return parseSecrets(decodeSecrets(bytes, '<stdin>'), { ...options, filename: '<stdin>' })
}

// A stream such as `/dev/zero` has no end: returns nothing when there are more than `limit` bytes, and reads no further.
async function readLimited(stream: Readable, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function noInput(found: string): SecretsFileError {
  const message = `"--secrets -" reads secrets from standard input, but it ${found}: pipe an INI file into this command`
  return new SecretsFileError(message, { code: 'SECRETS_NO_INPUT' })
}

async function readDefaultFile(
  options: ReadSecretsOptions,
  logger: Logger,
): Promise<SecretsConfig | undefined> {
  const path = defaultPath()
  if (path === undefined || isAbsent(path)) return undefined
  try {
    const secrets = await readSecrets(defaultFile, options)
    await warnIfShared(path, logger)
    logger.debug(`Secrets were read from "${defaultFile}"`)
    return secrets
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    if (error.code === 'SECRETS_NOT_FOUND') return undefined
    throw optional(error)
  }
}

/** The same error; its last problem says how to run without the file. */
function optional({ message, code, problems, cause }: FlambeauError): SecretsFileError {
  const remedy = '; to run without this file, type "--no-secrets"'
  const last = problems.at(-1)
  if (!last) return new SecretsFileError(message + remedy, { code, cause })
  const explained = [...problems.slice(0, -1), { ...last, message: last.message + remedy }]
  return new SecretsFileError(reportProblems(explained), { code, problems: explained })
}

// A user without an account, as in many containers, may have no home folder.
function defaultPath(): string | undefined {
  try {
    return join(homedir(), defaultFile.slice(1))
  } catch {
    return undefined
  }
}

// Most users have none, and the error of a missing file says what to do about it.
function isAbsent(path: string): boolean {
  try {
    statSync(path)
    return false
  } catch (error) {
    return codeOf(error) === 'ENOENT'
  }
}

async function warnIfShared(path: string, logger: Logger): Promise<void> {
  if (process.platform === 'win32') return
  const { mode } = await stat(path)
  if ((mode & 0o044) !== 0)
    logger.warn(`Other users can read "${defaultFile}": type "chmod 600 ${defaultFile}"`)
}
