import type { CurrentRun } from '../../cluster/run/current-run.js'
import { shareAllSecrets } from '../../runnable/secrets/shared-secrets.js'
import type { WorkerProgramSettings } from '../bullmq/worker-program.js'
import { moduleUrls } from '../import-modules.js'
import type { PoolOptions } from '../pool-options.js'
import { resultsFolder, shippedModules } from './shipped.js'

/** Where workers find their tasks. */
export type Queue = Pick<WorkerProgramSettings, 'queue' | 'ca'>

/** What the workers of every factory are told, but for their place and their way to Redis. */
export async function settingsOf(
  options: PoolOptions,
  run: CurrentRun,
  queue: Queue,
): Promise<Omit<WorkerProgramSettings, 'redis'>> {
  const { workers: slots, crashRetries, graceMs, lockMs, extensions = {}, secrets } = options
  const given = Object.entries({ slots, crashRetries, graceMs, lockMs }).filter(
    ([, value]) => value !== undefined,
  )
  return {
    ...queue,
    ...Object.fromEntries(given),
    imports: await shippedModules(moduleUrls(options.imports ?? []), run),
    extensions,
    folder: resultsFolder(run),
    ...(secrets && { secrets: shareAllSecrets(secrets) }),
  }
}
