import { realpathSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { findProgram, programFolders } from './find-program.js'

/** Lets the programs that are started here find the very Node that runs this, whatever a login finds. */
export function letProgramsFindNode(): void {
  if (isOwn(findProgram('node'))) return
  process.env['PATH'] = [dirname(process.execPath), ...programFolders()].join(delimiter)
}

function isOwn(path: string | undefined): boolean {
  try {
    return path !== undefined && realpathSync(path) === realpathSync(process.execPath)
  } catch {
    return false
  }
}
