import { isFlambeauError } from '../errors.js'
import type { Registry } from '../registry/registry.js'
import type { Redact } from '../runnable/secrets/mask.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import { messageOf, nameOf, propertyOf, stackOf } from '../util/thrown.js'

/** One attempt at a task, as it travels. */
export interface TaskMessage {
  readonly id: string
  /** Counts from 1. */
  readonly attempt: number
  /** A runnable file that is the task: its extensions, and its dump. */
  readonly text: string
  /** Milliseconds from its start; endless when absent. */
  readonly timeoutMs?: number
}

/** What is heard of a task while it runs. */
export type TaskNews =
  | { readonly type: 'started'; readonly host?: string }
  | { readonly type: 'progress'; readonly value: unknown }
  | { readonly type: 'log'; readonly level: LogLevel; readonly text: string }

/** The methods of a logger. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** How an attempt ended. */
export type Ended =
  | { readonly ok: true; readonly result: PackedResult; readonly host: string }
  | {
      readonly ok: false
      readonly reason: EndReason
      readonly error: PackedError
      readonly host: string
      /** What the task printed last, 64 KB at most; absent when it printed nothing, or where nobody reads it. */
      readonly output?: string
    }

/** The task threw, took too long, killed its workers, or was cancelled. */
export type EndReason = 'failed' | 'timeout' | 'crashed' | 'cancelled'

/** A result as JSON, or the file that holds it; neither when the task returned nothing. */
export type PackedResult = { readonly json?: string } | { readonly file: string; readonly bytes: number }

/** Who waits for an attempt. */
export interface Watch {
  /** Cancels the attempt; {@link Engine.run} settles within the grace. */
  readonly signal: AbortSignal
  readonly onNews: (news: TaskNews) => void
}

/**
 * Runs tasks somewhere. A worker that dies is the engine's own matter: it runs the task again, and tells `crashed`
 * when that happened too often.
 */
export interface Engine {
  /** How many tasks it wants to be given at once, those that wait included. */
  readonly capacity: number
  /** Runs one attempt. Rejects only when no task can be run here at all. */
  run(task: TaskMessage, watch: Watch): Promise<Ended>
  /** Ends all that the engine started; what runs is cancelled. */
  close(): Promise<void>
}

/** What every worker is started with. */
export interface WorkerSetup {
  /** Modules that register the classes of the tasks: URLs, paths from the current folder, packages. */
  readonly imports: readonly string[]
  /** Where results above 64 KB are kept. */
  readonly folder: string
  /** The extensions that tasks may declare, by name, from the very source that they name. */
  readonly extensions?: Readonly<Record<string, string>>
  readonly secrets?: SecretsConfig
  /** Whose tags count, in this process; other processes have their default registry. */
  readonly registry?: Registry
}

/** An error as it travels between processes. */
export interface PackedError {
  readonly name: string
  readonly message: string
  /** With its stack and causes, for people. */
  readonly stack: string
  readonly code?: string
  readonly exitCode?: number
}

/** Packs whatever was thrown. */
export function packError(thrown: unknown): PackedError {
  const packed = { name: nameOf(thrown), message: messageOf(thrown), stack: stackOf(thrown) }
  if (!isFlambeauError(thrown)) return packed
  const [code, exitCode] = [propertyOf(thrown, 'code'), propertyOf(thrown, 'exitCode')]
  return {
    ...packed,
    ...(typeof code === 'string' && { code }),
    ...(typeof exitCode === 'number' && { exitCode }),
  }
}

/** A packed error with what people read of it masked. */
export function redactError(error: PackedError, redact: Redact): PackedError {
  return { ...error, message: redact(error.message), stack: redact(error.stack) }
}

/** An error with the name, message and stack of the one that was packed. */
export function unpackError({ name, message, stack, code }: PackedError): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code })
  Object.defineProperties(error, {
    name: { value: name, configurable: true },
    stack: { value: stack, configurable: true },
  })
  return error
}
