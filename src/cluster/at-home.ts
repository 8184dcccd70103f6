import { homedir } from 'node:os'
import { resolve } from 'node:path'

/** A path on this machine, in full: `~` at its start is the home folder. */
export function atHome(path: string): string {
  return resolve(path.replace(/^~(?=\/|$)/, homedir()))
}
