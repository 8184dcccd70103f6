import type { LogLevel } from '../logger.js'
import { Option } from './commander.js'

/** The flags that say how much a command logs. */
export interface LogFlags {
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly debug?: boolean
}

/** Creates `--quiet`, which every command has. */
export function quietOption(): Option {
  return new Option('-q, --quiet', 'log only warnings and errors').conflicts(['verbose', 'debug'])
}

/** The least severe level that a command logs. */
export function levelOf({ quiet, verbose, debug }: LogFlags): LogLevel {
  if (quiet) return 'warn'
  return verbose || debug ? 'debug' : 'info'
}
