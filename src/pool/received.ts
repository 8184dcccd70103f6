/** Checks of what came from another process: through Redis it may be anything. */
import type { Ended, EndReason, LogLevel, PackedResult, TaskMessage, TaskNews } from './engine.js'
import type { PackedError } from './packed-error.js'

const levels: ReadonlySet<unknown> = new Set<LogLevel>(['debug', 'info', 'warn', 'error'])
const reasons: ReadonlySet<unknown> = new Set<EndReason>(['failed', 'timeout', 'crashed', 'cancelled'])

/** Whether a value is an object, whose properties may be anything. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** Whether a value is a {@link TaskMessage}. */
export function isTaskMessage(value: unknown): value is TaskMessage {
  if (!isRecord(value)) return false
  const { id, attempt, text, timeoutMs } = value
  return (
    isText(id) &&
    Number.isInteger(attempt) &&
    isText(text) &&
    (timeoutMs === undefined || isNumber(timeoutMs))
  )
}

/** Whether a value is {@link TaskNews}. */
export function isTaskNews(value: unknown): value is TaskNews {
  if (!isRecord(value)) return false
  const { type, host, level, text } = value
  if (type === 'started') return host === undefined || isText(host)
  return type === 'progress' || (type === 'log' && levels.has(level) && isText(text))
}

/** Whether a value says how an attempt ended. */
export function isEnded(value: unknown): value is Ended {
  if (!isRecord(value) || !isText(value['host'])) return false
  const { ok, result, reason, error, output } = value
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
