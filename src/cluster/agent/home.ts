import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { writeAtomically } from '../../util/atomic-write.js'
import { HostLayout } from '../protocol/layout.js'

// The launcher has looked for Node in the home folder of the user. The nodes of Slurm may share another folder only.
const { FLAMBEAU_HOME: home } = process.env
if (home !== undefined) process.env['HOME'] = home
// It is for this program: the home folder of a host that a run makes is another one.
delete process.env['FLAMBEAU_HOME']

/** Where everything is on this host. */
export const layout = new HostLayout(homedir())

/** The absolute path of a path in a request: relative paths start at the home folder. */
export function resolveFromHome(path: string): string {
  return resolve(homedir(), path)
}

/** Writes a file that only its owner can read: atomically, and to the disk before this settles. Creates its folder. */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeAtomically(path, content, { sync: true })
}
