import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Finds the files and folders below a folder that match a pattern, as sorted paths with `/`: `*`, `?` and `[abc]` within a
 * name, `**` for any number of folders, `{a,b}`. As in a shell, a wildcard matches no name that starts with a dot, and `**`
 * follows no links. A pattern that is the name of something matches just that.
 */
// Node has this itself since version 22.
export async function expandGlob(folder: string, pattern: string): Promise<string[]> {
  const path = pattern.replace(/^(?:\.\/+)+|\/+$/g, '')
  if (await isThere(join(folder, path))) return [path]
  const found = new Set<string>()
  for (const each of expandBraces(path))
    await collect({ folder, path: '', found, walked: new Set() }, segmentsOf(each))
  return [...found].sort()
}

// Each "**" after another would walk all folders once more for each of them.
function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment, index, all) => segment !== '**' || all[index - 1] !== '**')
}

interface Search {
  readonly folder: string
  /** Relative to the folder; matched so far. */
  readonly path: string
  readonly found: Set<string>
  /** The folders below which `**` was matched, each with the number of segments that follow. */
  readonly walked: Set<string>
}

async function collect(search: Search, [segment, ...rest]: readonly string[]): Promise<void> {
  if (segment === undefined) return void search.found.add(search.path)
  if (segment === '**') return collectDeep(search, rest)
  if (!/[*?[]/.test(segment)) {
    const child = childOf(search, segment)
    if (await isThere(join(search.folder, child.path))) await collect(child, rest)
    return
  }
  const matches = segmentPattern(segment)
  for (const { name } of await entriesOf(search))
    if (isSearched(name, segment) && matches.test(name)) await collect(childOf(search, name), rest)
}

async function collectDeep(search: Search, rest: readonly string[]): Promise<void> {
  // After another "**", the same folder is reached in several ways.
  const walk = `${rest.length} ${search.path}`
  if (search.walked.has(walk)) return
  search.walked.add(walk)
  // "data/**" is the whole of "data".
  if (rest.length === 0 && search.path !== '') return void search.found.add(search.path)
  if (rest.length > 0) await collect(search, rest)
  for (const entry of await entriesOf(search)) {
    if (!isSearched(entry.name, '**')) continue
    const child = childOf(search, entry.name)
    if (rest.length === 0) search.found.add(child.path)
    else if (entry.isDirectory()) await collectDeep(child, rest)
  }
}

function childOf(search: Search, name: string): Search {
  return { ...search, path: search.path === '' ? name : `${search.path}/${name}` }
}

function isSearched(name: string, segment: string): boolean {
  return name !== 'node_modules' && (!name.startsWith('.') || segment.startsWith('.'))
}

async function entriesOf({ folder, path }: Search) {
  return readdir(join(folder, path), { withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOTDIR' || error.code === 'ENOENT') return []
    throw error
  })
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function expandBraces(pattern: string): string[] {
  const [all, before = '', choices = '', after = ''] = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/.exec(pattern) ?? []
  if (all === undefined) return [pattern]
  return choices.split(',').flatMap((choice) => expandBraces(`${before}${choice}${after}`))
}

function segmentPattern(segment: string): RegExp {
  const source = segment.replace(/\[([!^]?)([^\]]+)\]|[*?]|[\\^$.+()|{}[\]]/g, (match, not, names) => {
    if (names !== undefined) return `[${not === '' ? '' : '^'}${names.replace(/[\\^[\]]/g, '\\$&')}]`
    if (match === '*') return '.*'
    return match === '?' ? '.' : `\\${match}`
  })
  try {
    return new RegExp(`^${source}$`, 'su')
  } catch {
    // A range such as "[z-a]" has no characters.
    return /(?!)/
  }
}
