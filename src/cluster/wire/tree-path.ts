/** The longest name and path that the file systems of Linux and macOS take, in bytes. */
const longestName = 255
const longestPath = 4095

/** Whether a path of a tree stays inside of it, and can be written: relative, without `..`, `.`, empty names and NUL. */
export function isTreePath(path: string): boolean {
  if (path.includes('\0') || Buffer.byteLength(path) > longestPath) return false
  return path.split('/').every((name) => !unusable.has(name) && Buffer.byteLength(name) <= longestName)
}

const unusable: ReadonlySet<string> = new Set(['', '.', '..'])

/** Whether all paths are different, and none of them is a folder of another one. */
export function areDistinct(paths: readonly string[]): boolean {
  const known = new Set(paths)
  return (
    known.size === paths.length && !paths.some((path) => parentsOf(path).some((parent) => known.has(parent)))
  )
}

function parentsOf(path: string): string[] {
  const parents: string[] = []
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1))
    parents.push(path.slice(0, end))
  return parents
}
