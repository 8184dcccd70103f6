import type { ClusterEvent } from '../../cluster/bring-up/events.js'
import type { Logger } from '../../runnable/logger.js'

/** Says what was done on a host, as it happens. */
export function tell(event: ClusterEvent, logger: Logger): void {
  if (event.kind === 'did') logger.info(`${event.host}: ${event.what}`)
}
