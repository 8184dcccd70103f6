import { inFileOrder, mostProblems } from '../document/problems.js'
import { ExtensionError, type Problem } from '../errors.js'
import { reportProblems } from '../problem-report.js'

/**
 * Why one extension cannot be used. The message is the rest of a sentence that begins with the name of the extension,
 * such as "is not installed: ...".
 */
export class ExtensionFailure extends Error {
  constructor(
    readonly code: string,
    predicate: string,
    options?: ErrorOptions,
  ) {
    super(predicate, options)
  }
}

/** An extension that cannot be used, with the whole message. */
export interface FailedExtension {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly cause?: unknown
}

/** Makes a problem that points at the declaration of an extension. */
export type Locate = (failure: FailedExtension) => Problem

/** The results of an operation on several extensions. */
export interface SettledExtensions<T> {
  readonly found: readonly T[]
  readonly failures: readonly FailedExtension[]
}

/** Does the same for each of several extensions, and collects what fails with an {@link ExtensionFailure}. */
export async function settleEach<E extends { readonly name: string }, T>(
  extensions: readonly E[],
  body: (extension: E) => Promise<T>,
): Promise<SettledExtensions<T>> {
  const settled = await Promise.allSettled(extensions.map(body))
  const found = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failures = settled.flatMap((result, index) =>
    result.status === 'rejected' ? [failureOf(extensions[index]!.name, result.reason)] : [],
  )
  return { found, failures }
}

function failureOf(name: string, reason: unknown): FailedExtension {
  if (!(reason instanceof ExtensionFailure)) throw reason
  const { code, message, cause } = reason
  return { name, code, message: `Extension "${name}" ${message}`, cause }
}

/** One error for all extensions that failed; without `locate`, nothing declares them in a file. */
export function extensionError(
  failures: readonly FailedExtension[],
  locate: Locate | undefined,
): ExtensionError {
  const cause = failures.find((failure) => failure.cause !== undefined)?.cause
  if (!locate) return new ExtensionError(joinedMessage(failures), { code: failures[0]!.code, cause })
  const problems = inFileOrder(failures.map(locate))
  return new ExtensionError(reportProblems(problems), { problems, cause })
}

function joinedMessage(failures: readonly FailedExtension[]): string {
  const messages = failures.slice(0, mostProblems).map((failure) => failure.message)
  const rest = failures.length - messages.length
  if (rest > 0) messages.push(`... and ${rest} more`)
  return messages.join('\n\n')
}
