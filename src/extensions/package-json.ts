import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ExtensionFailure } from './extension-failure.js'

/** The fields of a `package.json` that extensions need. */
export interface PackageJson {
  readonly name?: string
  readonly main?: string
  readonly exports?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** Reads the `package.json` of a folder; returns an empty one when there is none. */
export async function readPackageJson(folder: string): Promise<PackageJson> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
  const value = parsed(text)
  if (typeof value === 'object' && value !== null) return value
  throw new ExtensionFailure(
    'NOT_IMPORTABLE',
    `has a "package.json" that is not an object: write "{ ... }" in it`,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = (cause as Error).message
    throw new ExtensionFailure('NOT_IMPORTABLE', `has a "package.json" that is not valid JSON: ${why}`, {
      cause,
    })
  }
}

/** The dependencies of a folder that Node would not find from there. */
export function missingDependencies(folder: string, packageJson: PackageJson): string[] {
  const peers = Object.keys(packageJson.peerDependencies ?? {})
  const needed = peers.filter((name) => !packageJson.peerDependenciesMeta?.[name]?.optional)
  const names = [...Object.keys(packageJson.dependencies ?? {}), ...needed]
  return names.filter((name) => !isFoundFrom(folder, name))
}

function isFoundFrom(folder: string, name: string): boolean {
  if (existsSync(join(folder, 'node_modules', name))) return true
  return dirname(folder) !== folder && isFoundFrom(dirname(folder), name)
}

/**
 * The URL of the main module of a package, as Node would find it: by `exports`, else `main`, else `index`.
 *
 * @throws {@link ExtensionFailure} when it does not exist, as before a build, or `exports` has no name to be resolved by.
 */
export async function entryOf(folder: string, packageJson: PackageJson): Promise<string> {
  const entry =
    packageJson.exports === undefined ? mainOf(folder, packageJson) : await exportOf(folder, packageJson)
  if (entry !== undefined && existsSync(new URL(entry))) return entry
  throw new ExtensionFailure('NOT_BUILT', notThere(folder, packageJson))
}

function mainOf(folder: string, { main }: PackageJson): string | undefined {
  const require = createRequire(join(folder, 'package.json'))
  try {
    return pathToFileURL(require.resolve(folder)).href
  } catch {
    const file = [main ?? [], 'index.mjs', 'index.ts'].flat().find((name) => existsSync(join(folder, name)))
    return file && pathToFileURL(join(folder, file)).href
  }
}

// Node resolves `exports` for a package name only, so the package is resolved by its own name from within.
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
  return new ExtensionFailure('NOT_IMPORTABLE', `has "exports" but no "name" in "${file}": add "name"`)
}

function notThere(folder: string, { exports, main }: PackageJson): string {
  const named = exports === undefined ? (main ?? 'index.js') : '"exports"'
  const build = `build it ("npm run build" in "${folder}")`
  return `has no module to import in "${folder}" (${named} names no file): ${build}, or let its install scripts build it ("--allow-scripts")`
}
