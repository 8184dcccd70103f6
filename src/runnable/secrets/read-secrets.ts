import { readFile } from 'node:fs/promises'
import { SecretsFileError } from '../../errors.js'
import { expandHome } from '../../util/paths.js'
import { commandLine } from '../../util/shell.js'
import { secretsFromEnvironment } from './environment-secrets.js'
import { readIni } from './ini-reader.js'
import { readPython } from './python-reader.js'
import { Secrets, type SecretsConfig } from './secrets.js'
import { quoted } from './secrets-errors.js'
import { prefixOf } from './secrets-table.js'

/** How an INI file is read: as Python's `configparser` does, or as the npm package `ini` does. */
export type SecretsDialect = 'python' | 'ini'

/** How {@link readSecrets} reads a file. */
export interface ReadSecretsOptions {
  /** `python` when absent. */
  readonly dialect?: SecretsDialect | undefined
}

/** How {@link parseSecrets} reads a text. */
export interface ParseSecretsOptions extends ReadSecretsOptions {
  /** The name of the text in errors; `<secrets>` when absent. */
  readonly filename?: string | undefined
}

const readers = { python: readPython, ini: readIni }

/**
 * Reads secrets from an INI file in UTF-8. A `~` at the start of the path means the home folder; `env:PREFIX_` in place of a
 * path takes them from the environment variables `PREFIX_SECTION__KEY`.
 *
 * ```ts
 * const config = await readSecrets('~/secrets.ini')
 * const key = config.get('AWS', 'access_key')
 * ```
 *
 * @throws {@link SecretsFileError} when the file does not exist or is invalid, with every problem, or when
 * the environment has no such variable.
 */
export async function readSecrets(path: string, options: ReadSecretsOptions = {}): Promise<SecretsConfig> {
  if (prefixOf(path) !== undefined) return secretsFromEnvironment(path, knownDialect(options.dialect))
  const bytes = await readFile(expandHome(path)).catch((cause) => {
    throw unreadable(path, cause)
  })
  return parseSecrets(decodeSecrets(bytes, path), { ...options, filename: path })
}

/**
 * Reads secrets from a text.
 *
 * ```ts
 * const config = await parseSecrets('[AWS]\naccess_key = no-real-key\n')
 * ```
 *
 * @throws {@link SecretsFileError} when the text is invalid, with every problem.
 */
export async function parseSecrets(text: string, options: ParseSecretsOptions = {}): Promise<SecretsConfig> {
  const { filename = '<secrets>' } = options
  return Secrets.from(await readers[knownDialect(options.dialect)](text.replace(/^\ufeff/, ''), filename))
}

function knownDialect(dialect: SecretsDialect = 'python'): SecretsDialect {
  if (!Object.hasOwn(readers, dialect)) throw unknownDialect(dialect)
  return dialect
}

/** @internal The text of a file or stream of secrets. */
export function decodeSecrets(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    const message = `Secrets file ${quoted(path)} is not UTF-8: save it as UTF-8`
    throw new SecretsFileError(message, { code: 'SECRETS_NOT_UTF8' })
  }
}

function unreadable(path: string, cause: NodeJS.ErrnoException): SecretsFileError {
  const [code, reason] = reasons[cause.code ?? ''] ?? ['SECRETS_UNREADABLE', `cannot be read (${cause.code})`]
  const remedy =
    reason === noAccess[1] ? `: allow it with "${commandLine(['chmod', 'u+r', expandHome(path)])}"` : ''
  return new SecretsFileError(`Secrets file ${quoted(path)} ${reason}${remedy}`, { code, cause })
}

const notFound = ['SECRETS_NOT_FOUND', 'does not exist: check the path and the current folder'] as const
const noAccess = ['SECRETS_UNREADABLE', 'cannot be read by this user'] as const

const reasons: Readonly<Record<string, readonly [code: string, reason: string]>> = {
  ENOENT: notFound,
  ENOTDIR: notFound,
  EISDIR: ['SECRETS_FOLDER', 'is a folder: write the path of the INI file in it'],
  EACCES: noAccess,
  EPERM: noAccess,
}

function unknownDialect(dialect: string): SecretsFileError {
  const message = `Unknown dialect ${quoted(String(dialect))} for secrets: write "python" or "ini"`
  return new SecretsFileError(message, { code: 'SECRETS_UNKNOWN_DIALECT' })
}
