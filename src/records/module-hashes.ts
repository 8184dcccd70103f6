import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isFile, withExtension } from '../modules/resolve.js'
import { realPath } from '../util/paths.js'

/** More modules are not followed. */
const mostModules = 10_000

/**
 * The SHA-256 of modules, and of those that they import by relative paths, by their paths in the project. Packages, and modules
 * outside of the project, are left out.
 */
export async function hashModules(
  urls: readonly string[],
  project: string,
): Promise<Readonly<Record<string, string>>> {
  const root = realPath(project)
  const files = urls.filter((url) => url.startsWith('file:')).map((url) => realPath(fileURLToPath(url)))
  const hashes: Record<string, string> = {}
  const seen = new Set<string>()
  // Grows while it is read.
  const queue = [...files]
  for (const file of queue) {
    const path = relative(root, file).split(sep).join('/')
    if (seen.has(file) || !isOwn(path) || seen.size >= mostModules) continue
    seen.add(file)
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    hashes[path] = createHash('sha256').update(text).digest('hex')
    queue.push(...importsOf(text, dirname(file)))
  }
  return Object.fromEntries(Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isOwn(path: string): boolean {
  return path !== '..' && !path.startsWith('../') && !/(?:^|\/)node_modules\//.test(path)
}

// Also finds what stands in comments: it only has to be the same for the same code.
const specifier = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]*)\1/g

function importsOf(text: string, folder: string): string[] {
  return [...text.matchAll(specifier)].flatMap(([, , path]) => {
    const file = resolve(folder, path!.replace(/[?#].*$/, ''))
    const found = isFile(file) ? file : (withExtension(file) ?? inIndex(file))
    return found === undefined ? [] : [realPath(found)]
  })
}

function inIndex(folder: string): string | undefined {
  return withExtension(join(folder, 'index'))
}
