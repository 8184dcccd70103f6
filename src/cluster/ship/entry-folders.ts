import { statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type Ignores, stepsOf } from './git-ignores.js'

/** What Node runs; all else in a folder of sources may be anything. */
const code = /\.(?:[cm]?js|node|wasm)$/

/**
 * What goes along although git ignores it, since the package cannot run without: a compiled folder as a whole, a folder
 * that `main`, `exports` or `files` name, and code beside a module that is imported.
 */
export function neededBy(folder: string, entries: readonly string[], ignores: Ignores): Ignores {
  const needed = new Set<string>()
  const holders = new Set<string>()
  for (const entry of entries) {
    const isThereAsFolder = isFolder(join(folder, entry))
    const path = isThereAsFolder ? `${entry}/` : entry
    const compiled = foldersOf(path).find(ignores)
    needed.add(compiled ?? path)
    if (!compiled && !isThereAsFolder)
      holders.add(posix.dirname(entry) === '.' ? '' : `${posix.dirname(entry)}/`)
  }
  const isBeside: Ignores = (path) =>
    code.test(path) && [...holders].some((holder) => path.startsWith(holder))
  return (path) =>
    [...needed].some((each) => path === each || (each.endsWith('/') && path.startsWith(each))) ||
    (isBeside(path) && !foldersOf(path).some(ignores))
}

function foldersOf(path: string): string[] {
  return stepsOf(path).filter((step) => step.endsWith('/'))
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
