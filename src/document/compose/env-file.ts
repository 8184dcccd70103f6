import { parseEnv } from 'node:util'
import { ResourceError } from '../../errors.js'
import { explainReadError } from '../../util/file-error.js'
import { type RefusedFile, readRegular } from '../../util/read-regular.js'
import type { Environment } from '../read/parsed.js'

/** The largest file of variables, in bytes. */
const largest = 1 << 20

/** The environment variables that a file sees. */
export type Variables = Exclude<Environment, false>

/**
 * Reads a file of variables in the format of Node's `--env-file`; does not change `process.env`.
 *
 * @throws {@link ResourceError} when it does not exist, is a folder, is not UTF-8 or is too large. The message has no line
 * of the file, which may have a password in it.
 */
export async function readEnvFile(path: string): Promise<Record<string, string>> {
  const bytes = await readRegular(path, { limit: largest }).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable(path, cause)
  })
  if (typeof bytes === 'string') throw refused(path, bytes)
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

function refused(path: string, reason: RefusedFile): ResourceError {
  if (reason === 'a folder') return failure(path, isFolder)
  if (reason !== 'too large')
    return failure(path, ['UNREADABLE', `is ${reason}: name a file that is complete`])
  const message = `Env file "${path}" has more than 1 MB: name a file with lines such as "PORT=3000"`
  return new ResourceError(message, { code: 'ENV_FILE_TOO_LARGE' })
}

function unreadable(path: string, cause: NodeJS.ErrnoException): ResourceError {
  const { code = '' } = cause
  return failure(path, reasons[code] ?? ['UNREADABLE', explainReadError(cause)], cause)
}

type Reason = readonly [code: string, reason: string]

function failure(path: string, [code, reason]: Reason, cause?: Error): ResourceError {
  return new ResourceError(`Env file "${path}" ${reason}`, { code, cause })
}

const notFound: Reason = ['NO_FILE', 'does not exist: check the path and the current folder']
const isFolder: Reason = ['IS_FOLDER', 'is a folder: name the file in it, such as ".env"']

const reasons: Readonly<Record<string, Reason>> = { ENOENT: notFound, ENOTDIR: notFound, EISDIR: isFolder }
