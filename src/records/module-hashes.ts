import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isFile, withExtension } from '../modules/resolve.js'
import { realPath } from '../util/paths.js'
import { readSafely } from '../util/thrown.js'

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
  const files = urls.flatMap((url) => fileOf(url) ?? [])
  const hashes: Record<string, string> = {}
  const seen = new Set<string>()
  // Grows while it is read.
  const queue = [...files]
  for (const file of queue) {
    const path = relative(root, file).split(sep).join('/')
    if (seen.has(file) || !isOwn(path) || seen.size >= mostModules) continue
    seen.add(file)
    const bytes = await readFile(file).catch(() => undefined)
    if (bytes === undefined) continue
    hashes[path] = createHash('sha256').update(bytes).digest('hex')
    queue.push(...importsOf(bytes.toString(), dirname(file)))
  }
  return Object.fromEntries(Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function fileOf(url: string): string | undefined {
  return url.startsWith('file:') ? readSafely(() => realPath(fileURLToPath(url)), undefined) : undefined
}

function isOwn(path: string): boolean {
  return path !== '..' && !path.startsWith('../') && !/(?:^|\/)node_modules\//.test(path)
}

// Also finds what stands in comments: it only has to be the same for the same code.
const specifier =
  /(?:\bfrom|\bimport|\brequire)\s*(?:\(\s*)?(?:\/\*[^*]*\*\/\s*)?(['"])(\.{1,2}(?:\/[^'"\n]*)?)\1/g

function importsOf(text: string, folder: string): string[] {
  return [...text.matchAll(specifier)].flatMap(([, , path]) => {
    const found = moduleAt(resolve(folder, path!.replace(/[?#].*$/, '')))
    return found === undefined ? [] : [realPath(found)]
  })
}

// TypeScript names a module as it is compiled: "./a.mjs" is "./a.mts".
function moduleAt(file: string): string | undefined {
  const source = file.replace(/\.([cm]?)js(x?)$/, '.$1ts$2')
  return [file, source, `${file}.json`].find(isFile) ?? withExtension(file)
}
