import { createHash } from 'node:crypto'

/** So many characters of an id are in a name; names of files end at 255 bytes. */
const most = 200

/** The name of a file for a task: its id, with what no file name should hold escaped. */
export function fileNameOf(id: string): string {
  const name = encodeURIComponent(id).replace(/^\./, '%2E').replaceAll('*', '%2A')
  if (name.length <= most) return name
  return `${name.slice(0, most)}.${createHash('sha256').update(id).digest('hex').slice(0, 12)}`
}
