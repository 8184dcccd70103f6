import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expandHome } from '../../util/paths.js'

/** Which files a word may name. */
export type FileKind = 'yaml' | 'module' | 'any' | 'folder'

const patterns: Readonly<Record<FileKind, readonly RegExp[]>> = {
  // A JSON file is rarely meant where there are YAML files.
  yaml: [/\.ya?ml$/i, /\.json$/i],
  module: [/\.[cm]?[jt]sx?$/],
  any: [/(?:)/],
  folder: [],
}

/** Completes a path: folders end with "/". */
export function fileCandidates(word: string, kind: FileKind): string[] {
  const start = word.lastIndexOf('/') + 1
  const folder = word.slice(0, start)
  const names = namesIn(expandHome(folder) || '.', word.slice(start))
  const files = names.filter((name) => !name.endsWith('/'))
  const matching = patterns[kind].map((pattern) => files.filter((name) => pattern.test(name)))
  const found = matching.find((group) => group.length > 0) ?? []
  return [...found, ...names.filter((name) => name.endsWith('/'))].map((name) => folder + name)
}

function namesIn(folder: string, beginning: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(beginning) && (beginning !== '' || !name.startsWith('.')))
    .map((name) => (isFolder(join(folder, name)) ? `${name}/` : name))
    .sort()
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
