import { existsSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'
import { type Manifest, readManifest } from './manifest.js'

/** A package that another one needs, and where in the other's tree it goes. */
export interface Placed {
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
export async function withDependencies(folder: string, provided: readonly string[] = []): Promise<Placed[]> {
  const root: Placed = { folder: await realpath(folder), place: '' }
  const placed = new Map([['', root.folder]])
  const queue = [root]
  for (let at = queue.shift(); at; at = queue.shift())
    for (const dependency of await dependenciesOf(at, provided)) {
      const place = freePlace(dependency, at.place, placed)
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

async function dependenciesOf({ folder, place }: Placed, provided: readonly string[]): Promise<Dependency[]> {
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
function peersOf({ peerDependencies = {}, peerDependenciesMeta = {} }: Manifest, all: boolean): object {
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
function freePlace(
  { name, folder }: Dependency,
  from: string,
  placed: ReadonlyMap<string, string>,
): string | undefined {
  for (const place of placesAbove(from, name)) {
    const found = placed.get(place)
    if (found !== undefined) return found === folder ? undefined : below(from, name)
  }
  return below('', name)
}

function* placesAbove(from: string, name: string): Generator<string> {
  yield below(from, name)
  if (from === '') return
  const end = from.lastIndexOf('node_modules/')
  yield* placesAbove(from.slice(0, Math.max(0, end - 1)), name)
}

function below(place: string, name: string): string {
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
