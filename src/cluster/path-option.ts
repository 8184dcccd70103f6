import { dirname } from 'node:path'
import { recordOf } from '../document/construct/records.js'
import { absolutePath } from '../util/paths.js'

/** The absolute path of an option of an object: a relative path starts at the file that contains it. */
export function pathOf(object: object, path: string): string {
  const filename = recordOf(object)?.loaded?.by.source.filename ?? '<code>'
  return absolutePath(path, filename.startsWith('<') ? '.' : dirname(filename))
}
