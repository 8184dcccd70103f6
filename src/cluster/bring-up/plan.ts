import { createHash } from 'node:crypto'
import type { Member } from '../members.js'
import type { HostState } from '../wire/protocol.js'
import type { ClusterCallOptions, HostReport } from './events.js'

/** What bringing up needs to know of a cluster. */
export interface BringUpPlan extends ClusterCallOptions {
  readonly cluster: string
  readonly members: readonly Member[]
  readonly setupCmds: readonly string[]
}

/** A host that was looked at. */
export interface SeenHost {
  readonly member: Member
  readonly state: HostState
}

/** A host that is ready, as it was when it was looked at. */
export interface ReadyHost extends SeenHost {
  readonly report: HostReport
}

/** The hash of setup commands: they run again when they change. */
export function hashOfCommands(commands: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(commands)).digest('hex')
}
