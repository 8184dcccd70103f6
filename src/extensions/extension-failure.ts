import { inFileOrder, mostProblems } from '../document/problems.js'
import { ExtensionError, type Problem } from '../errors.js'
import { reportProblems } from '../problem-report.js'

/** What is wrong with one extension, as the rest of a sentence that begins with its name: "is not installed: ...". */
export class ExtensionFailure extends Error {
  constructor(
    readonly code: string,
    predicate: string,
    options?: ErrorOptions,
  ) {
    super(predicate, options)
  }
}

/** An extension that cannot be had, and why. */
export interface FailedExtension {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly cause?: unknown
}

/** Where an extension is declared: makes a problem that points there. */
export type Locate = (failure: FailedExtension) => Problem

/** What became of several extensions: those that are there, and those that are not. */
export interface SettledExtensions<T> {
  readonly found: readonly T[]
  readonly failures: readonly FailedExtension[]
}

/** Does the same for each of several extensions, and goes on when one of them cannot be had. */
export async function settleEach<E extends { readonly name: string }, T>(
  extensions: readonly E[],
  body: (extension: E) => Promise<T>,
): Promise<SettledExtensions<T>> {
  const settled = await Promise.allSettled(extensions.map(body))
  const found = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failures = settled.flatMap((result, at) =>
    result.status === 'rejected' ? [failureOf(extensions[at]!.name, result.reason)] : [],
  )
  return { found, failures }
}

function failureOf(name: string, reason: unknown): FailedExtension {
  if (!(reason instanceof ExtensionFailure)) throw reason
  const { code, message, cause } = reason
  return { name, code, message: `Extension "${name}" ${message}`, cause }
}

/** One error for all extensions that cannot be had. */
export function extensionError(failures: readonly FailedExtension[], locate?: Locate): ExtensionError {
  const cause = failures.find((failure) => failure.cause !== undefined)?.cause
  if (!locate) {
    const shown = failures.slice(0, mostProblems).map((failure) => failure.message)
    const rest = failures.length - shown.length
    const message = [...shown, ...(rest > 0 ? [`... and ${rest} more`] : [])].join('\n\n')
    return new ExtensionError(message, { code: failures[0]!.code, cause })
  }
  const problems = inFileOrder(failures.map(locate))
  return new ExtensionError(reportProblems(problems), { problems, cause })
}
