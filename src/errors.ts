import { mistakeCode, unavailableCode } from './util/exit-codes.js'
import { readSafely } from './util/thrown.js'

/** Where a problem lies and what to do about it; lines and columns count from 1, the end is exclusive. */
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
  /** The lines around the place, with a marker under it. */
  readonly frame: string
  /** What to write instead, where one thing is likely. */
  readonly hint?: string
  /** How many more problems there are than are shown; of the last one alone, whose code is `MORE_PROBLEMS`. */
  readonly rest?: number
}

/** What every error of this package may carry besides its message. */
export interface FlambeauErrorOptions extends ErrorOptions {
  code?: string
  problems?: readonly Problem[]
  exitCode?: number
}

const brand = Symbol.for('flambeau.error')

/**
 * The root of the family.
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
 * Across two copies of this package use {@link isFlambeauError}.
 */
export class FlambeauError extends Error {
  override get name(): string {
    return 'FlambeauError'
  }
  /** A stable name for the kind of error; that of its first problem when it has problems. */
  readonly code: string
  /** Everything that is wrong, in file order. */
  readonly problems: readonly Problem[]
  /** What a process that ends because of this error should exit with: 22 for a user's mistake. */
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

/** Whether `error` belongs to the family, whichever copy of this package made it. */
export function isFlambeauError(error: unknown): error is FlambeauError {
  return typeof error === 'object' && error !== null && readSafely(() => brand in error, false)
}

/** The user's file, options or secrets are wrong: no stack is shown for these. Exit code 22. */
abstract class UserMistake extends FlambeauError {
  constructor(message: string, options: FlambeauErrorOptions = {}) {
    super(message, { exitCode: mistakeCode, ...options })
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

/** The class of errors for problems of a code: `DocumentError` for all that have no class of their own. */
export function documentErrorClass(code: string): typeof DocumentError {
  if (tagCodes.includes(code)) return TagError
  return validationCodes.includes(code) ? ValidationError : DocumentError
}

function isInstance(value: unknown, Class: { prototype: object }, codes: readonly string[]): boolean {
  if (!(value instanceof FlambeauError)) return false
  const inherits = Object.prototype.isPrototypeOf.call(Class.prototype, value)
  return inherits || value.problems.some(({ code }) => codes.includes(code))
}

/** The YAML is wrong; `problems` has every place. */
export class DocumentError extends UserMistake {
  override get name(): string {
    return 'DocumentError'
  }
}

/** Options that their class or its schema refuses. */
export class ValidationError extends DocumentError {
  override get name(): string {
    return 'ValidationError'
  }

  /** @internal An error with several kinds of problems is an instance of the class of each. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(value, this, this === ValidationError ? validationCodes : [])
  }
}

/** The YAML is right, but it is no runnable file. */
export class RunnableFileError extends DocumentError {
  override get name(): string {
    return 'RunnableFileError'
  }
}

/** A tag that nobody registered, or a factory that its class does not have. */
export class TagError extends RunnableFileError {
  override get name(): string {
    return 'TagError'
  }

  /** @internal An error with several kinds of problems is an instance of the class of each. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(value, this, this === TagError ? tagCodes : [])
  }
}

/** Thrown by a `parse()` that finds that its runnable could not run. */
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

/** A file or folder that a runnable file names is missing, or is there already. */
export class ResourceError extends RunnableFileError {
  override get name(): string {
    return 'ResourceError'
  }
}

/** A programmer's mistake in registering a class, or in dumping one that cannot be dumped. */
export class RegistrationError extends FlambeauError {
  override get name(): string {
    return 'RegistrationError'
  }
}

/** A constructor, factory or `fromYaml` threw: `cause` is what it threw, the problem points at its node. */
export class ConstructionError extends UserMistake {
  override get name(): string {
    return 'ConstructionError'
  }
}

/** A secret that is asked for is not there, or cannot be read; the message has names, never values. */
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

/** A cluster, or one of its hosts, cannot do what it is asked. Exit code 69. */
export class ClusterError extends FlambeauError {
  override get name(): string {
    return 'ClusterError'
  }
  /** What is wrong with each host, where several are concerned. */
  readonly findings: readonly HostFinding[]
  constructor(message: string, options: FlambeauErrorOptions & { findings?: readonly HostFinding[] } = {}) {
    super(message, { exitCode: unavailableCode, ...options })
    this.findings = options.findings ?? []
  }
}

/** What is wrong with one host of a cluster. */
export interface HostFinding {
  readonly host: string
  readonly code: string
  readonly message: string
}

/** What is said of a cluster in its file cannot be. Exit code 22. */
export class ClusterConfigurationError extends ClusterError {
  override get name(): string {
    return 'ClusterConfigurationError'
  }
  constructor(message: string, options: FlambeauErrorOptions = {}) {
    super(message, { exitCode: mistakeCode, ...options })
  }
}

/** A command on a host failed, or could not be started. */
export class RemoteCommandError extends ClusterError {
  override get name(): string {
    return 'RemoteCommandError'
  }
  readonly host: string
  /** What the command exited with; `null` when a signal ended it, or it never started. */
  readonly remoteExitCode: number | null
  /** The end of what it wrote to standard error. */
  readonly stderr: string
  constructor(message: string, options: FlambeauErrorOptions & RemoteCommandFacts) {
    super(message, options)
    this.host = options.host
    this.remoteExitCode = options.remoteExitCode ?? null
    this.stderr = options.stderr ?? ''
  }
}

/** What a {@link RemoteCommandError} knows besides its message. */
export interface RemoteCommandFacts {
  host: string
  remoteExitCode?: number | null
  stderr?: string
}

/** `run()` failed: `cause` is what it threw. Throw it yourself to choose the exit code. */
export class UnsuccessfulRunnableError extends FlambeauError {
  override get name(): string {
    return 'UnsuccessfulRunnableError'
  }
}
