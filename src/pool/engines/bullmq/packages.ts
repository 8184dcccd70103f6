import { isInstalled } from '../../../cluster/bundle/dependencies.js'
import { FlambeauError } from '../../../errors.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import { packageRoot } from '../../../util/paths.js'

/** What is used of both. */
export type Packages = Pick<typeof import('bullmq'), 'Queue' | 'QueueEvents' | 'Worker'> &
  Pick<typeof import('ioredis'), 'Redis'>

/**
 * Imports `bullmq` and `ioredis`, which are installed by those who need them.
 *
 * @throws {@link FlambeauError} that says what to type when one is absent.
 */
export async function loadPackages(): Promise<Packages> {
  const [{ Queue, QueueEvents, Worker }, { Redis }] = await Promise.all([bullmq(), ioredis()])
  return { Queue, QueueEvents, Worker, Redis }
}

// Within "try", so that bundlers see that it may be absent.
async function bullmq() {
  try {
    return await import('bullmq')
  } catch (cause) {
    throw importError('bullmq', cause as NodeJS.ErrnoException)
  }
}

async function ioredis() {
  try {
    return await import('ioredis')
  } catch (cause) {
    throw importError('ioredis', cause as NodeJS.ErrnoException)
  }
}

function importError(name: string, cause: NodeJS.ErrnoException): Error {
  return cause.code === 'ERR_MODULE_NOT_FOUND' ? packageMissing(name, { cause }) : cause
}

/**
 * Finds out whether hosts would get both with this package, without importing them.
 *
 * @throws {@link FlambeauError} that says what to type when they would not.
 */
export async function requirePackages(): Promise<void> {
  for (const name of ['bullmq', 'ioredis'])
    if (!(await isInstalled(name, packageRoot()))) throw packageMissing(name)
}

function packageMissing(name: string, options: ErrorOptions = {}): FlambeauError {
  const message = `The package "${name}" is not installed: type "npm install bullmq ioredis"`
  return new FlambeauError(message, { code: 'PACKAGE_MISSING', exitCode: mistakeCode, ...options })
}
