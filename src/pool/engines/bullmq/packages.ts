import { FlambeauError } from '../../../errors.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import { packageRoot } from '../../../util/paths.js'

/** What the engine uses of both packages. */
export type Packages = Pick<typeof import('bullmq'), 'Queue' | 'QueueEvents' | 'WaitingError' | 'Worker'> &
  Pick<typeof import('ioredis'), 'Redis'>

/**
 * Imports `bullmq` and `ioredis`, which are optional peer dependencies.
 *
 * @throws {@link FlambeauError} that says what to type when one is missing.
 */
export async function loadPackages(): Promise<Packages> {
  const [{ Queue, QueueEvents, WaitingError, Worker }, { Redis }] = await Promise.all([bullmq(), ioredis()])
  return { Queue, QueueEvents, WaitingError, Worker, Redis }
}

// Inside "try", bundlers accept that the package may be missing.
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
 * Checks that both packages are installed, so that hosts get them with this package. Imports neither.
 *
 * @throws {@link FlambeauError} that says what to type when one is missing.
 */
export async function requirePackages(): Promise<void> {
  const { isInstalled } = await import('../../../cluster/bundle/dependencies.js')
  for (const name of ['bullmq', 'ioredis'])
    if (!(await isInstalled(name, packageRoot()))) throw packageMissing(name)
}

function packageMissing(name: string, options: ErrorOptions = {}): FlambeauError {
  const message = `The package "${name}" is not installed: type "npm install bullmq ioredis"`
  return new FlambeauError(message, { code: 'PACKAGE_MISSING', exitCode: mistakeCode, ...options })
}
