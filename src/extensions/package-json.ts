import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ExtensionFailure } from './extension-failure.js'

/** What counts of a `package.json` here. */
export interface PackageJson {
  readonly name?: string
  readonly main?: string
  readonly exports?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** The `package.json` of a folder; an empty one when there is none. */
export async function readPackageJson(folder: string): Promise<PackageJson> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
  const manifest = parsed(text)
  if (typeof manifest === 'object' && manifest !== null) return manifest
  throw new ExtensionFailure(
    'NOT_IMPORTABLE',
    `has a "package.json" that holds no object: write "{ ... }" in it`,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = (cause as Error).message
    throw new ExtensionFailure('NOT_IMPORTABLE', `has a "package.json" that is no JSON: ${why}`, { cause })
  }
}

/** The packages that a folder depends on and that Node would not find from there. */
export function missingDependencies(folder: string, manifest: PackageJson): string[] {
  const peers = Object.keys(manifest.peerDependencies ?? {})
  const needed = peers.filter((name) => !manifest.peerDependenciesMeta?.[name]?.optional)
  const names = [...Object.keys(manifest.dependencies ?? {}), ...needed]
  return names.filter((name) => !isFoundFrom(folder, name))
}

function isFoundFrom(folder: string, name: string): boolean {
  if (existsSync(join(folder, 'node_modules', name))) return true
  return dirname(folder) !== folder && isFoundFrom(dirname(folder), name)
}

/**
 * The URL of the module that stands for a package, as Node would find it: by `exports`, else `main`, else `index`.
 *
 * @throws {@link Trouble} when it is not there, as before a build, or cannot be found without a name.
 */
export async function entryOf(folder: string, manifest: PackageJson): Promise<string> {
  const entry = manifest.exports === undefined ? mainOf(folder, manifest) : await exportOf(folder, manifest)
  if (entry !== undefined && existsSync(new URL(entry))) return entry
  throw new ExtensionFailure('NOT_BUILT', notThere(folder, manifest))
}

function mainOf(folder: string, { main }: PackageJson): string | undefined {
  const require = createRequire(join(folder, 'package.json'))
  try {
    return pathToFileURL(require.resolve(folder)).href
  } catch {
    const file = [...(main ? [main] : []), 'index.mjs', 'index.ts'].find((name) =>
      existsSync(join(folder, name)),
    )
    return file && pathToFileURL(join(folder, file)).href
  }
}

// A package finds itself by its own name, from within.
async function exportOf(folder: string, { name }: PackageJson): Promise<string | undefined> {
  if (!name) throw nameless(folder)
  const { resolve } = await import('import-meta-resolve')
  try {
    return resolve(name, pathToFileURL(join(folder, 'package.json')).href)
  } catch {
    return undefined
  }
}

function nameless(folder: string): ExtensionFailure {
  const file = join(folder, 'package.json')
  return new ExtensionFailure(
    'NOT_IMPORTABLE',
    `has "exports" but no "name" in "${file}": write "name" there, too`,
  )
}

function notThere(folder: string, { exports, main }: PackageJson): string {
  const named = exports === undefined ? (main ?? 'index.js') : '"exports"'
  const build = `build it ("npm run build" in "${folder}")`
  return `has no module to import in "${folder}" (${named} leads nowhere): ${build}, or let its install scripts build it ("--allow-scripts")`
}
