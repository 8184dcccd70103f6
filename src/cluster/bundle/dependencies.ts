import { existsSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'

/** A package that another one needs, and where in the other's tree it goes. */
export interface PlacedPackage {
  /** On this machine, links resolved. */
  readonly folder: string
  /** In the tree, such as `node_modules/yaml`; empty for the package that needs all others. */
  readonly place: string
}

/**
 * A package with all that it needs to run, as Node finds it from here; each at the top of `node_modules` where its name
 * is free there, else below the one that needs it. `provided` names what is there already.
 *
 * @throws `ClusterConfigurationError` when one is not installed.
 */
export async function withDependencies(
  folder: string,
  provided: readonly string[] = [],
): Promise<PlacedPackage[]> {
  const root: PlacedPackage = { folder: await realpath(folder), place: '' }
  const placed = new Map([['', root.folder]])
  const queue = [root]
  for (let at = queue.shift(); at; at = queue.shift())
    for (const dependency of await dependenciesOf(at, provided)) {
      const place = freePath(dependency, at.place, placed)
      if (place === undefined) continue
      placed.set(place, dependency.folder)
      queue.push({ folder: dependency.folder, place })
    }
  return [...placed].map(([place, folder]) => ({ place, folder }))
}

interface Dependency {
  readonly name: string
  readonly folder: string
}

async function dependenciesOf(
  { folder, place }: PlacedPackage,
  provided: readonly string[],
): Promise<Dependency[]> {
  const manifest = await readManifest(folder)
  const { name = folder, dependencies = {}, optionalDependencies = {} } = manifest
  const needed = { ...peersOf(manifest, place === ''), ...optionalDependencies, ...dependencies }
  const found: Dependency[] = []
  for (const dependency of Object.keys(needed).filter((each) => !provided.includes(each))) {
    const at = locate(dependency, folder)
    if (at !== undefined) found.push({ name: dependency, folder: await realpath(at) })
    else if (dependency in dependencies && !(dependency in optionalDependencies))
      throw notInstalled(dependency, name, folder)
  }
  return found
}

// What a dependency could use, but works without, such as a compiler, is not worth its size.
function peersOf(
  { peerDependencies = {}, peerDependenciesMeta = {} }: PackageManifest,
  all: boolean,
): object {
  const peers = Object.entries(peerDependencies)
  return Object.fromEntries(peers.filter(([name]) => all || !peerDependenciesMeta[name]?.optional))
}

/** Whether a package that another one needs is installed where that one finds it. */
export async function isInstalled(name: string, folder: string): Promise<boolean> {
  return locate(name, await realpath(folder)) !== undefined
}

function locate(name: string, from: string): string | undefined {
  const candidate = join(from, 'node_modules', name)
  if (existsSync(join(candidate, 'package.json'))) return candidate
  const parent = dirname(from)
  return parent === from ? undefined : locate(name, parent)
}

// Where Node, going up from the one that needs it, would find it; nothing when it does so already.
function freePath(
  { name, folder }: Dependency,
  from: string,
  placed: ReadonlyMap<string, string>,
): string | undefined {
  for (const place of pathsAbove(from, name)) {
    const found = placed.get(place)
    if (found !== undefined) return found === folder ? undefined : pathBelow(from, name)
  }
  return pathBelow('', name)
}

function* pathsAbove(from: string, name: string): Generator<string> {
  yield pathBelow(from, name)
  if (from === '') return
  const end = from.lastIndexOf('node_modules/')
  yield* pathsAbove(from.slice(0, Math.max(0, end - 1)), name)
}

function pathBelow(place: string, name: string): string {
  return place === '' ? `node_modules/${name}` : `${place}/node_modules/${name}`
}

function notInstalled(dependency: string, name: string, folder: string): ClusterConfigurationError {
  const message = `"${name}" needs package "${dependency}", which is not installed: ${howToInstall(folder)}`
  return new ClusterConfigurationError(message, { code: 'DEPENDENCY_NOT_INSTALLED' })
}

/** The file by which a package manager is known, and what installs with it. */
const managers = [
  ['pnpm-lock.yaml', 'pnpm install'],
  ['yarn.lock', 'yarn install'],
  ['bun.lock', 'bun install'],
  ['bun.lockb', 'bun install'],
] as const

function howToInstall(folder: string): string {
  if (process.versions.pnp !== undefined || fileAbove('.pnp.cjs', folder))
    return `Yarn Plug'n'Play keeps no "node_modules" that could be sent, so write "nodeLinker: node-modules" into .yarnrc.yml, and type "yarn install" in "${folder}"`
  const [, command] = managers.find(([file]) => fileAbove(file, folder)) ?? []
  return `type "${command ?? 'npm install'}" in "${folder}"`
}

function fileAbove(name: string, folder: string): boolean {
  if (existsSync(join(folder, name))) return true
  const parent = dirname(folder)
  return parent !== folder && fileAbove(name, parent)
}

/** What counts here of a `package.json`. */
interface PackageManifest {
  readonly name?: string
  readonly version?: string
  readonly main?: unknown
  readonly exports?: unknown
  readonly imports?: unknown
  readonly files?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** The `package.json` of a folder; empty where there is none. */
export async function readManifest(folder: string): Promise<PackageManifest> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
  return JSON.parse(text)
}

/** The files and folders by which a package is used: `main`, and the targets of `exports`, `imports` and `files`. */
export function entriesOf({ main, exports, imports, files }: PackageManifest): string[] {
  const targets = [main ?? 'index.js', ...targetsOf(exports), ...targetsOf(imports), ...targetsOf(files)]
  return targets
    .filter((target) => typeof target === 'string')
    .flatMap((target) => baseOfPattern(target) ?? [])
}

function targetsOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(targetsOf) : [value]
}

// Of a pattern, the folder in which all that it names lies; of one that may be anywhere, nothing.
function baseOfPattern(target: string): string | undefined {
  const parts = target.replace(/^\.?\//, '').split('/')
  const pattern = parts.findIndex((part) => /[*?[{!]/.test(part))
  const base = (pattern < 0 ? parts : parts.slice(0, pattern)).filter((part) => part !== '' && part !== '.')
  return base.length === 0 || base.includes('..') ? undefined : base.join('/')
}
