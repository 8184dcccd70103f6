import { mistakeCode, resultLostCode, unavailableCode } from './util/exit-codes.js'
import { explainWriteError } from './util/file-error.js'
import { readSafely } from './util/thrown.js'

/** A problem in a text and what to do about it; lines and columns count from 1, the end is exclusive. */
export interface Problem {
  /** A stable name for the kind of problem, such as `UNKNOWN_TAG`. */
  readonly code: string
  /** One sentence: what was found, what was expected, what to type. */
  readonly message: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
  /** The lines of the problem, with a marker under it. */
  readonly frame: string
  /** What was probably meant. */
  readonly hint?: string
  /** Other positions that explain this one, such as the `!include` of its file; the nearest first. */
  readonly related?: readonly RelatedPosition[]
  /** The number of problems that are not shown; only on the last problem, whose code is `MORE_PROBLEMS`. */
  readonly rest?: number
}

/** A position that explains a problem elsewhere: `included at train.yaml:2:8`. */
export interface RelatedPosition {
  /** What happened there: `included at`, `replaces`. */
  readonly message: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Options of the errors of this package. */
export interface FlambeauErrorOptions extends ErrorOptions {
  code?: string
  problems?: readonly Problem[]
  exitCode?: number
}

const brand = Symbol.for('flambeau.error')

/**
 * The base class of all errors of this package.
 *
 * ```ts
 * try {
 *   load(text)
 * } catch (error) {
 *   if (!(error instanceof FlambeauError)) throw error
 *   for (const { line, column, message } of error.problems) console.error(`${line}:${column} ${message}`)
 * }
 * ```
 *
 * With two copies of this package in one process, use {@link isFlambeauError}.
 */
export class FlambeauError extends Error {
  override get name(): string {
    return 'FlambeauError'
  }
  /** A stable name for the kind of error; for an error with problems, the code of the first. */
  readonly code: string
  /** The problems in file order. */
  readonly problems: readonly Problem[]
  /** The exit code for a process that ends with this error: 22 for a mistake of the user. */
  readonly exitCode: number
  constructor(message: string, options: FlambeauErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.problems = options.problems ?? []
    this.code = options.code ?? this.problems[0]?.code ?? 'FLAMBEAU'
    this.exitCode = options.exitCode ?? 1
  }

  /** @internal */
  get [brand](): true {
    return true
  }
}

/** Whether `error` is an error of this package, including other copies of it. */
export function isFlambeauError(error: unknown): error is FlambeauError {
  return typeof error === 'object' && error !== null && readSafely(() => brand in error, false)
}

/** The user's file, options or secrets are wrong: shown without a stack. Exit code 22. */
abstract class UserMistake extends FlambeauError {
  constructor(message: string, options: FlambeauErrorOptions = {}) {
    super(message, { exitCode: mistakeCode, ...options })
  }
}

/** Returns a `catch` handler for what writes to a path: it throws the error that names the path and says what to do. */
export function throwNotWritten(path: string): (cause: unknown) => never {
  return (cause) => {
    if (isFlambeauError(cause)) throw cause
    const message = `"${path}" could not be written: ${explainWriteError(cause)}`
    throw new FlambeauError(message, { code: 'NOT_WRITTEN', exitCode: resultLostCode, cause })
  }
}

const tagCodes: readonly string[] = ['UNKNOWN_TAG', 'UNKNOWN_FACTORY', 'BAD_CORE_TAG', 'ABSTRACT_CLASS']

const validationCodes: readonly string[] = [
  'EXPECTED_MAPPING',
  'KEY_NOT_STRING',
  'KEY_TWICE',
  'BAD_OPTION',
  'MISSING_OPTION',
  'UNKNOWN_OPTION',
  'UNEXPECTED_TYPE',
  'REFUSED',
]

/** The error class for problems with a code: `DocumentError` for codes without a class of their own. */
export function documentErrorClass(code: string): typeof DocumentError {
  if (tagCodes.includes(code)) return TagError
  return validationCodes.includes(code) ? ValidationError : DocumentError
}

function isInstance(value: unknown, Class: { prototype: object }, codes: readonly string[]): boolean {
  if (!(value instanceof FlambeauError)) return false
  const inherits = Object.prototype.isPrototypeOf.call(Class.prototype, value)
  return inherits || value.problems.some(({ code }) => codes.includes(code))
}

/** The YAML is wrong; `problems` lists all errors. */
export class DocumentError extends UserMistake {
  override get name(): string {
    return 'DocumentError'
  }
}

/** A class or its schema refuses options. */
export class ValidationError extends DocumentError {
  override get name(): string {
    return 'ValidationError'
  }

  /** @internal An error with several kinds of problems is an instance of each of their classes. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(value, this, this === ValidationError ? validationCodes : [])
  }
}

/** The YAML is valid, but is not a runnable file. */
export class RunnableFileError extends DocumentError {
  override get name(): string {
    return 'RunnableFileError'
  }
}

/** A tag is not registered, or a class does not have a factory. */
export class TagError extends RunnableFileError {
  override get name(): string {
    return 'TagError'
  }

  /** @internal An error with several kinds of problems is an instance of each of their classes. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(value, this, this === TagError ? tagCodes : [])
  }
}

/** For a `parse()` method: the runnable cannot run. */
export class ParsingRunnableError extends RunnableFileError {
  override get name(): string {
    return 'ParsingRunnableError'
  }
}

/** An extension cannot be found, installed or imported. */
export class ExtensionError extends RunnableFileError {
  override get name(): string {
    return 'ExtensionError'
  }
}

/** A file or folder is missing, cannot be read, or already exists. */
export class ResourceError extends RunnableFileError {
  override get name(): string {
    return 'ResourceError'
  }
}

/** A programmer's mistake in registering a class, or in dumping an object. */
export class RegistrationError extends FlambeauError {
  override get name(): string {
    return 'RegistrationError'
  }
}

/** A constructor, factory or `fromYaml` threw: `cause` is what it threw, and the problem points at its node. */
export class ConstructionError extends UserMistake {
  override get name(): string {
    return 'ConstructionError'
  }
}

/** A requested secret is missing or cannot be read; the message has names, never values. */
export class MissingSecretsError extends UserMistake {
  override get name(): string {
    return 'MissingSecretsError'
  }
}

/** The secrets file itself is wrong; the message has lines and names, never values. */
export class SecretsFileError extends UserMistake {
  override get name(): string {
    return 'SecretsFileError'
  }
}

/** An operation on a cluster or one of its hosts failed. Exit code 69. */
export class ClusterError extends FlambeauError {
  override get name(): string {
    return 'ClusterError'
  }
  /** The failure of each host, if several hosts failed. */
  readonly findings: readonly HostFinding[]
  constructor(message: string, options: FlambeauErrorOptions & { findings?: readonly HostFinding[] } = {}) {
    super(message, { exitCode: unavailableCode, ...options })
    this.findings = options.findings ?? []
  }
}

/** The failure of one host of a cluster. */
export interface HostFinding {
  readonly host: string
  readonly code: string
  readonly message: string
}

/** The configuration of a cluster is wrong. Exit code 22. */
export class ClusterConfigurationError extends ClusterError {
  override get name(): string {
    return 'ClusterConfigurationError'
  }
  constructor(message: string, options: FlambeauErrorOptions = {}) {
    super(message, { exitCode: mistakeCode, ...options })
  }
}

/** A command on a host failed or could not be started. */
export class RemoteCommandError extends ClusterError {
  override get name(): string {
    return 'RemoteCommandError'
  }
  readonly host: string
  /** The exit code of the command; `null` if a signal ended it or it did not start. */
  readonly remoteExitCode: number | null
  /** The end of its standard error. */
  readonly stderr: string
  constructor(message: string, options: FlambeauErrorOptions & RemoteCommandFacts) {
    super(message, options)
    this.host = options.host
    this.remoteExitCode = options.remoteExitCode ?? null
    this.stderr = options.stderr ?? ''
  }
}

/** The properties of a {@link RemoteCommandError}. */
export interface RemoteCommandFacts {
  host: string
  remoteExitCode?: number | null
  stderr?: string
}

/** `run()` failed: `cause` is what it threw. Throw this error yourself to choose the exit code. */
export class UnsuccessfulRunnableError extends FlambeauError {
  override get name(): string {
    return 'UnsuccessfulRunnableError'
  }
}
