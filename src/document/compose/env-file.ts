import { createReadStream } from 'node:fs'
import { parseEnv } from 'node:util'
import { ResourceError } from '../../errors.js'
import { readLimited } from '../../util/read-limited.js'

/** The largest file of variables, in bytes. */
const largest = 1 << 20

/** The environment variables that a file sees. */
export type Variables = Readonly<Record<string, string | undefined>>

/**
 * Reads a file of variables in the format of Node's `--env-file`; does not change `process.env`.
 *
 * @throws {@link ResourceError} when it does not exist, is a folder, is not UTF-8 or is too large. The message has no line
 * of the file, which may have a password in it.
 */
export async function readEnvFile(path: string): Promise<Record<string, string>> {
  const bytes = await readLimited(createReadStream(path), largest).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause)
  })
  if (!bytes) throw tooLarge(path)
  return parseEnv(decode(bytes, path)) as Record<string, string>
}

/**
 * Returns the variables of a process together with those of files. As in Node, a later file wins over an earlier one, and the
 * process wins over all files.
 */
export async function variablesWith(
  files: readonly string[],
  ofProcess: Variables = process.env,
): Promise<Variables> {
  const ofFiles = await Promise.all(files.map(readEnvFile))
  return Object.assign({}, ...ofFiles, ofProcess)
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // Without the cause: it adds nothing, and errors with causes are shown in full.
    const message = `Env file "${path}" is not UTF-8: save it as UTF-8`
    throw new ResourceError(message, { code: 'NOT_UTF8' })
  }
}

function tooLarge(path: string): ResourceError {
  const message = `Env file "${path}" has more than 1 MB: name a file with lines such as "PORT=3000"`
  return new ResourceError(message, { code: 'ENV_FILE_TOO_LARGE' })
}

function unreadable(path: string, cause: NodeJS.ErrnoException): ResourceError {
  const [code, reason] = reasons[cause.code ?? ''] ?? ['UNREADABLE', `cannot be read (${cause.code})`]
  return new ResourceError(`Env file "${path}" ${reason}`, { code, cause })
}

const notFound = ['NO_FILE', 'does not exist: check the path and the current folder'] as const

const reasons: Readonly<Record<string, readonly [code: string, reason: string]>> = {
  ENOENT: notFound,
  ENOTDIR: notFound,
  EISDIR: ['IS_FOLDER', 'is a folder: name the file in it, such as ".env"'],
}
