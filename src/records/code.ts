import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mapLimited } from '../util/concurrency.js'
import { isMapping } from '../util/plain-object.js'
import { PrivateFiles } from '../util/private-files.js'
import { type GitState, gitState } from './git.js'
import { hashModules } from './module-hashes.js'
import type { RunRecord } from './record.js'

/** The code of a run. */
export interface CodeSnapshot extends Pick<RunRecord, 'modules' | 'packages'>, Partial<GitState> {}

/** Whose code is recorded. */
export interface CodeSource {
  /** The folder of the project. */
  readonly folder: string
  /** The URLs of the modules that were imported. */
  readonly modules: readonly string[]
  /** Files that no patch contains, such as the secrets file. */
  readonly privateFiles: readonly string[]
}

/** The files of a run that no patch contains: its secrets file, and those of its variables. */
export function privateFilesOf({
  secrets,
  envFiles = [],
}: Pick<RunRecord, 'secrets' | 'envFiles'>): string[] {
  return typeof secrets === 'string' ? [secrets, ...envFiles] : [...envFiles]
}

/** How many files are read at once. */
const maxConcurrency = 16

/** Takes down the code of a project: its commit and changes, its modules, and the versions of its packages. */
export async function snapshotCode({ folder, modules, privateFiles }: CodeSource): Promise<CodeSnapshot> {
  const [state, hashes, packages] = await Promise.all([
    PrivateFiles.of(privateFiles).then((files) => gitState(folder, files)),
    hashModules(modules, folder),
    installedPackages(folder),
  ])
  return { ...state, modules: hashes, packages }
}

const dependencyKinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']

/** The versions of the packages that a project depends on, as they are installed. */
async function installedPackages(folder: string): Promise<Record<string, string>> {
  const manifest = await readManifest(folder)
  const kinds = dependencyKinds.map((kind) => manifest?.[kind]).filter(isMapping)
  const names = [...new Set(kinds.flatMap((kind) => Object.keys(kind)))].sort()
  const found = await mapLimited(names, maxConcurrency, async (name) => {
    const version = await versionOf(name, folder)
    return version === undefined ? [] : [[name, version] as const]
  })
  return Object.fromEntries(found.flat())
}

async function versionOf(name: string, folder: string): Promise<string | undefined> {
  const manifest = await readManifest(join(folder, 'node_modules', name))
  if (manifest) return typeof manifest['version'] === 'string' ? manifest['version'] : undefined
  return dirname(folder) === folder ? undefined : versionOf(name, dirname(folder))
}

async function readManifest(folder: string): Promise<Record<string, unknown> | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return isMapping(manifest) ? manifest : undefined
  } catch {
    return undefined
  }
}
