import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { writeAtomically } from '../../util/atomic-write.js'

/** Everything that this package puts on a host lies here, but for a line in `authorized_keys`. */
export const rootFolder = join(homedir(), '.flambeau')

/** The packages that runs use: flambeau, extensions and programs, by the hash of flambeau. */
export const packagesFolder = join(rootFolder, 'packages')

/** The folder of each run. */
export const runsFolder = join(rootFolder, 'runs')

/** What belongs to one cluster. */
export function clusterFolder(cluster: string): string {
  return join(rootFolder, 'clusters', cluster)
}

export function runFolder(id: string): string {
  return join(runsFolder, id)
}

/** A path of a question: relative ones are taken from the home folder. */
export function resolveFromHome(path: string): string {
  return resolve(homedir(), path)
}

/** Writes a file that only its owner can read: whole or not at all, on the disk when this settles. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeAtomically(path, content, { sync: true })
}
