import { delimiter, dirname } from 'node:path'
import { findProgram, programFolders } from './find-program.js'

/** Where a login does not find Node, the programs that are started here find the one that runs this. */
export function letProgramsFindNode(): void {
  if (findProgram('node') !== undefined) return
  process.env['PATH'] = [...programFolders(), dirname(process.execPath)].join(delimiter)
}
