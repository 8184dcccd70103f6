import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isFlambeauError, throwNotWritten, UnsuccessfulRunnableError } from '../errors.js'
import type { Redact } from '../runnable/secrets/mask.js'
import { writeAtomically } from '../util/atomic-write.js'
import { fromJson, toJson } from '../util/json.js'
import { messageOf, nameOf, propertyOf, stackOf } from '../util/thrown.js'
import type {
  Ended,
  EndReason,
  LogLevel,
  PackedError,
  PackedResult,
  TaskMessage,
  TaskNews,
} from './engine.js'
import { ResultFile } from './result.js'
import { taskFileName } from './task-file.js'

// The format in which results and errors travel between processes. Secrets have theirs in
// runnable/secrets/serialize-secrets.ts.

/** A result with more bytes of JSON than this stays in a file on the host that made it. */
const maxInlineBytes = 64 * 1024

/**
 * Packs what a task returned: a small result as JSON, a large one into a file below `folder`.
 *
 * @throws {@link UnsuccessfulRunnableError} when JSON cannot hold it.
 */
export function packResult(value: unknown, id: string, folder: string): PackedResult | Promise<PackedResult> {
  const json = resultJson(value, id)
  if (json === undefined) return {}
  const bytes = Buffer.byteLength(json)
  return bytes <= maxInlineBytes ? { json } : packFile(json, { id, folder, bytes })
}

async function packFile(
  json: string,
  { id, folder, bytes }: { readonly id: string; readonly folder: string; readonly bytes: number },
): Promise<PackedResult> {
  // Another map or pool in this folder may have a task with the same id.
  const name = `${taskFileName(id)}.${createHash('sha256').update(json).digest('hex').slice(0, 12)}.json`
  const file = resolve(join(folder, 'results', name))
  await writeResult(file, json).catch(throwNotWritten(file))
  return { file, bytes }
}

async function writeResult(file: string, json: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeAtomically(file, json)
}

/** What a task returned, or the file that holds it. */
export function unpackResult(packed: PackedResult): unknown {
  if ('file' in packed) return new ResultFile(packed.file, packed.bytes)
  return packed.json === undefined ? undefined : fromJson(packed.json)
}

function resultJson(value: unknown, id: string): string | undefined {
  try {
    return toJson(value)
  } catch (cause) {
    const reason = messageOf(cause).split('\n', 1)[0]
    const message = `The result of task "${id}" cannot be sent as JSON (${reason}): return plain data`
    throw new UnsuccessfulRunnableError(message, { code: 'RESULT_NOT_JSON', cause })
  }
}

/** Packs whatever was thrown; only errors of this package keep their code and exit code. */
export function packError(thrown: unknown): PackedError {
  const packed: { -readonly [Key in keyof PackedError]: PackedError[Key] } = {
    name: nameOf(thrown),
    message: messageOf(thrown),
    stack: stackOf(thrown),
  }
  if (!isFlambeauError(thrown)) return packed
  const [code, exitCode] = [propertyOf(thrown, 'code'), propertyOf(thrown, 'exitCode')]
  if (typeof code === 'string') packed.code = code
  if (typeof exitCode === 'number') packed.exitCode = exitCode
  return packed
}

/** Masks the texts of a packed error. */
export function redactError(error: PackedError, redact: Redact): PackedError {
  return { ...error, message: redact(error.message), stack: redact(error.stack) }
}

/** An error with the name, message, stack, code and exit code of the one that was packed. */
export function unpackError({ name, message, stack, code, exitCode }: PackedError): Error {
  const error = new Error(message)
  if (code !== undefined) Object.assign(error, { code })
  if (exitCode !== undefined) Object.assign(error, { exitCode })
  Object.defineProperties(error, {
    name: { value: name, configurable: true },
    stack: { value: stack, configurable: true },
  })
  return error
}

// Whatever arrives from another process is checked: through Redis it may be anything.

const levels: ReadonlySet<unknown> = new Set<LogLevel>(['debug', 'info', 'warn', 'error'])
const reasons: ReadonlySet<unknown> = new Set<EndReason>([
  'failed',
  'timeout',
  'memory',
  'crashed',
  'cancelled',
])

/** Whether a value is an object, whose properties may be anything. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Whether a value is a {@link TaskMessage}. */
export function isTaskMessage(value: unknown): value is TaskMessage {
  if (!isRecord(value)) return false
  const { id, attempt, text, key, seed, timeoutMs, worker } = value
  const isLimit = timeoutMs === undefined || isNumber(timeoutMs)
  const isRun = isText(id) && isText(text) && [attempt, seed].every(Number.isInteger)
  // It becomes part of the name of a folder.
  const isKey = key === undefined || (isText(key) && /^[0-9a-f]{1,64}$/.test(key))
  return isRun && isLimit && isKey && (worker === undefined || isText(worker))
}

/** Whether a value is {@link TaskNews}. */
export function isTaskNews(value: unknown): value is TaskNews {
  if (!isRecord(value)) return false
  const { type, host, level, text } = value
  if (type === 'started') return host === undefined || isText(host)
  return type === 'progress' || (type === 'log' && levels.has(level) && isText(text))
}

/** Whether a value is {@link Ended}. */
export function isEnded(value: unknown): value is Ended {
  if (!isRecord(value) || !isText(value['host'])) return false
  const { ok, result, reason, error, output, worker } = value
  if (worker !== undefined && !isText(worker)) return false
  if (ok === true) return isPackedResult(result)
  const hasOutput = output === undefined || isText(output)
  return ok === false && reasons.has(reason) && isPackedError(error) && hasOutput
}

/** Whether a value is a {@link PackedError}. */
export function isPackedError(value: unknown): value is PackedError {
  if (!isRecord(value)) return false
  const { name, message, stack, code, exitCode } = value
  const isNamed = isText(name) && isText(message) && isText(stack)
  return isNamed && (code === undefined || isText(code)) && (exitCode === undefined || isNumber(exitCode))
}

function isPackedResult(value: unknown): value is PackedResult {
  if (!isRecord(value)) return false
  const { json, file, bytes } = value
  return 'file' in value ? isText(file) && isNumber(bytes) : json === undefined || isText(json)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number'
}
