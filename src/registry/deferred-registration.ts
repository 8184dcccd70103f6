import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { shared } from './default-registry.js'

/**
 * Runs `body`, which imports files in `folder`: a decorator that runs in one of these files only declares its options on the
 * class, and does not register it. The stack tells in which file a decorator runs, so that other imports and registrations at
 * the same time are not affected.
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

/** Whether the calling decorator runs in a file of an extension that is being imported. */
export function isRegistrationDeferred(): boolean {
  const folders = shared.importingFolders ?? []
  if (folders.length === 0) return false
  return callers().some((file) => folders.some((folder) => file.startsWith(folder + sep)))
}

/** The files on the call stack, the innermost first. */
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
