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
  /** With the route as the others have it. */
  readonly member: Member
  readonly state: HostState
  /** Its public keys: those that it has, and those by which this machine knows it. */
  readonly hostKeys: readonly string[]
  /** What was done already, in words, before it could be looked at. */
  readonly did: readonly string[]
}

/** A host that is ready, as it was when it was looked at. */
export interface ReadyHost extends SeenHost {
  readonly report: HostReport
}

/** Setup commands, in words. */
export function commandsInWords({ length }: readonly string[]): string {
  return `${length} setup ${length === 1 ? 'command' : 'commands'}`
}

/** The hash of setup commands: they run again when they change. */
export function hashOfCommands(commands: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(commands)).digest('hex')
}
