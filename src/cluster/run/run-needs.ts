import { ClusterConfigurationError } from '../../errors.js'
import { type Needs, needsMistake } from '../../runnable/needs.js'
import {
  describeLack,
  type NamedHost,
  type NeedsSite,
  needsError,
  needsOfRun,
} from '../../runnable/needs-problems.js'
import type { Runnable } from '../../runnable/runnable.js'

/**
 * What the process of a run needs of the orchestrator: what was asked for, or else what the class of the runnable states.
 *
 * @throws {@link ClusterConfigurationError} when what was asked for is wrong.
 */
export function runNeeds(runnable: Runnable<any, any>, needs: Needs | undefined): NeedsSite {
  const mistake = needs && needsMistake(needs)
  if (mistake === undefined) return needsOfRun(runnable, needs)
  const message = `Option "needs" of "submit" ${mistake}`
  throw new ClusterConfigurationError(message, { code: 'BAD_NEEDS' })
}

/** @throws {@link ClusterConfigurationError} when something fits on none of the hosts. */
export async function expectFit(
  site: NeedsSite,
  resources: () => Promise<readonly NamedHost[]>,
): Promise<void> {
  const message = describeLack(site, await resources())
  if (message === undefined) return
  const { text, options } = needsError(site, message)
  throw new ClusterConfigurationError(text, options)
}
