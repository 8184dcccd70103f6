import { existsSync } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'

/** A package, and its path in the tree of the package that depends on it. */
export interface PlacedPackage {
  /** The real path on this machine. */
  readonly folder: string
  /** The path in the tree, such as `node_modules/yaml`; empty for the root package. */
  readonly path: string
}

/** Packages that {@link withDependencies} leaves out. */
interface LeftOut {
  /** The names of packages that the host has already. */
  readonly provided?: readonly string[]
  /** The dependencies of the root package that are not used there. */
  readonly unused?: readonly string[]
}

/**
 * A package with all its runtime dependencies, as Node resolves them here. Each is placed at the top of
 * `node_modules` if its name is free there, otherwise below the package that depends on it.
 *
 * @throws `ClusterConfigurationError` when a dependency is not installed.
 */
export async function withDependencies(
  folder: string,
  { provided = [], unused = [] }: LeftOut,
): Promise<PlacedPackage[]> {
  const root: PlacedPackage = { folder: await realpath(folder), path: '' }
  const placed = new Map([['', root.folder]])
  const queue = [root]
  for (let parent = queue.shift(); parent; parent = queue.shift())
    for (const dependency of await dependenciesOf(
      parent,
      parent === root ? [...provided, ...unused] : provided,
    )) {
      const path = freePath(dependency, parent.path, placed)
      if (path === undefined) continue
      placed.set(path, dependency.folder)
      queue.push({ folder: dependency.folder, path })
    }
  return [...placed].map(([path, folder]) => ({ path, folder }))
}

interface Dependency {
  readonly name: string
  readonly folder: string
}

async function dependenciesOf(
  { folder, path }: PlacedPackage,
  leftOut: readonly string[],
): Promise<Dependency[]> {
  const manifest = await readManifest(folder)
  const { name = folder, dependencies = {}, optionalDependencies = {} } = manifest
  const needed = { ...peersOf(manifest, path === ''), ...optionalDependencies, ...dependencies }
  const found: Dependency[] = []
  for (const dependency of Object.keys(needed).filter((each) => !leftOut.includes(each))) {
    const location = locate(dependency, folder)
    if (location !== undefined) found.push({ name: dependency, folder: await realpath(location) })
    else if (dependency in dependencies && !(dependency in optionalDependencies))
      throw notInstalled(dependency, name, folder)
  }
  return found
}

// Optional peers of dependencies, such as a compiler, are not worth their size.
function peersOf(
  { peerDependencies = {}, peerDependenciesMeta = {} }: PackageManifest,
  all: boolean,
): object {
  const peers = Object.entries(peerDependencies)
  return Object.fromEntries(peers.filter(([name]) => all || !peerDependenciesMeta[name]?.optional))
}

/** Whether a package is installed where the package in `folder` can resolve it. */
export async function isInstalled(name: string, folder: string): Promise<boolean> {
  return locate(name, await realpath(folder)) !== undefined
}

function locate(name: string, from: string): string | undefined {
  const candidate = join(from, 'node_modules', name)
  if (existsSync(join(candidate, 'package.json'))) return candidate
  const parent = dirname(from)
  return parent === from ? undefined : locate(name, parent)
}

// The path at which Node would resolve the dependency; `undefined` if it is there already.
function freePath(
  { name, folder }: Dependency,
  from: string,
  placed: ReadonlyMap<string, string>,
): string | undefined {
  for (const path of pathsAbove(from, name)) {
    const found = placed.get(path)
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

function pathBelow(path: string, name: string): string {
  return path === '' ? `node_modules/${name}` : `${path}/node_modules/${name}`
}

function notInstalled(dependency: string, name: string, folder: string): ClusterConfigurationError {
  const message = `"${name}" needs package "${dependency}", which is not installed: ${howToInstall(folder)}`
  return new ClusterConfigurationError(message, { code: 'DEPENDENCY_NOT_INSTALLED' })
}

/** The lock file of each package manager, and its command to install. */
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

/** The fields of `package.json` that bundling reads. */
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

/** Reads the `package.json` of a folder; returns an empty manifest if there is none. */
export async function readManifest(folder: string, name = 'package.json'): Promise<PackageManifest> {
  const text = await readFile(join(folder, name), 'utf8').catch(() => '{}')
  return JSON.parse(text)
}

/** The entry points of a package: `main`, and the targets of `exports`, `imports` and `files`. */
export function entriesOf({ main, exports, imports, files }: PackageManifest): string[] {
  const targets = [main ?? 'index.js', ...targetsOf(exports), ...targetsOf(imports), ...targetsOf(files)]
  return targets
    .filter((target) => typeof target === 'string')
    .flatMap((target) => baseOfPattern(target) ?? [])
}

/** The conditions under which Node itself resolves `exports`; bundlers have others. */
const conditionsOfNode = ['node', 'node-addons', 'import', 'require', 'module-sync', 'default']

/** Whether Node can load a module of a package from one of its folders, whose path ends with `/`. */
export function isForNode({ main, exports }: PackageManifest, folder: string): boolean {
  const targets = [main ?? 'index.js', ...targetsOf(exports, conditionsOfNode)]
  return targets
    .filter((target) => typeof target === 'string')
    .map((target) => target.replace(/^\.?\//, ''))
    .some(
      (target) =>
        target.startsWith(folder) || (target.includes('*') && folder.startsWith(target.split('*')[0]!)),
    )
}

function targetsOf(value: unknown, conditions?: readonly string[]): unknown[] {
  if (typeof value !== 'object' || value === null) return [value]
  const entries = Object.entries(value).filter(
    ([key]) => !conditions || /^(?:\.|\d)/.test(key) || conditions.includes(key),
  )
  return entries.flatMap(([, target]) => targetsOf(target, conditions))
}

// The folder that contains everything that a pattern can match; `undefined` if it can match anywhere.
function baseOfPattern(target: string): string | undefined {
  const parts = target.replace(/^\.?\//, '').split('/')
  const pattern = parts.findIndex((part) => /[*?[{!]/.test(part))
  const base = (pattern < 0 ? parts : parts.slice(0, pattern)).filter((part) => part !== '' && part !== '.')
  return base.length === 0 || base.includes('..') ? undefined : base.join('/')
}
