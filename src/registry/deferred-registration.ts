import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { shared } from './default-registry.js'

/**
 * Runs `body`, which imports what lies in `folder`: what a file in there decorates meanwhile is declared on its class,
 * and not registered. Which file decorates is told by the stack, so whatever else is imported or registered at the
 * same time makes no difference.
 */
export async function deferRegistration<T>(folder: string, body: () => Promise<T>): Promise<T> {
  shared.importingFolders ??= []
  shared.importingFolders.push(folder)
  try {
    return await body()
  } finally {
    shared.importingFolders.splice(shared.importingFolders.indexOf(folder), 1)
  }
}

/** Whether the decorator that asks was written in an extension that is being imported. */
export function isRegistrationDeferred(): boolean {
  const folders = shared.importingFolders ?? []
  if (folders.length === 0) return false
  return callers().some((file) => folders.some((folder) => file.startsWith(folder + sep)))
}

/** The files whose functions are running, the innermost first. */
function callers(): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = Number.POSITIVE_INFINITY
    Error.prepareStackTrace = (_error, sites) => sites.map((site) => site.getFileName() ?? '')
    return (new Error().stack as unknown as string[]).map(toPath)
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit })
  }
}

function toPath(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file.replace(/[?#].*$/, '')) : file
}
