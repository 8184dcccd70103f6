import { lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalHost } from './local-host.js'

/** The file that says that a folder was made for a host, so that it may be removed with all that is in it. */
const markName = '.flambeau-host'
const mark = 'This folder was made by flambeau for a host of a LocalCluster: "flambeau down" removes it.\n'

/** A host whose folder is made for it, and goes with it. A folder of the user may play a host, too, and stays. */
export class OwnLocalHost extends LocalHost {
  protected override async makeFolder(): Promise<void> {
    await super.makeFolder()
    // What is empty holds nothing of the user.
    if ((await readdir(this.folder)).length === 0) await writeFile(join(this.folder, markName), mark)
  }
}

/** What became of the folder of a host that was to be removed. */
export type Removal = 'removed' | 'absent' | 'not ours' | 'in use'

/** Removes the folder of a host; with `force`, even when it was not made for one. Another cluster may use it, too. */
export async function removeHostFolder(folder: string, { force }: { force: boolean }): Promise<Removal> {
  const found = await lstat(folder).catch(() => undefined)
  if (!found) return 'absent'
  // Of a link, what it leads to is somewhere else.
  const isOurs = found.isDirectory() && (await hasMark(folder))
  if (!isOurs && !force) return 'not ours'
  if (await isUsed(folder)) return 'in use'
  await rm(folder, { recursive: true, force: true })
  return 'removed'
}

function hasMark(folder: string): Promise<boolean> {
  return readFile(join(folder, markName), 'utf8').then(
    (text) => text === mark,
    () => false,
  )
}

async function isUsed(folder: string): Promise<boolean> {
  return (await readdir(join(folder, '.flambeau/clusters')).catch(() => [])).length > 0
}
