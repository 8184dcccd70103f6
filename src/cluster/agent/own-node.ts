import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

/** Where a login does not find Node, the programs that are started here find the one that runs this. */
export function letProgramsFindNode(): void {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  if (folders.some((folder) => existsSync(join(folder, 'node')))) return
  process.env['PATH'] = [...folders, dirname(process.execPath)].join(delimiter)
}
