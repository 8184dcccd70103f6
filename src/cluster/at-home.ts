import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { recordOf } from '../document/construct/records.js'

/** A path on this machine, in full: `~` at its start is the home folder; a relative one is taken from `folder`. */
export function atHome(path: string, folder = '.'): string {
  return resolve(folder, path.replace(/^~(?=\/|$)/, homedir()))
}

/** A path among the options of an object, in full: a relative one is taken from the file that says it. */
export function pathOf(object: object, path: string): string {
  const filename = recordOf(object)?.loaded?.by.source.filename ?? '<code>'
  return atHome(path, filename.startsWith('<') ? '.' : dirname(filename))
}
