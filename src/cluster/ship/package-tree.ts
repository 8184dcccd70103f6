import { join } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'
import { isPersonal, packageRoot } from '../../util/paths.js'
import { type Tree, treeFrom, treeOf } from '../wire/tree-of.js'
import { type Placed, withDependencies } from './dependencies.js'
import { neededBy } from './entry-folders.js'
import { gitIgnores, type Ignores } from './git-ignores.js'
import { ignoring } from './ignoring.js'
import { entriesOf, readManifest } from './manifest.js'
import { filesOfPackage, type PackageFiles, type PackageRules } from './package-files.js'
import type { PrivateFiles } from './private-files.js'

/** What of an installed package serves compilers only. */
const notRun = /\.(?:d\.[cm]?ts|map)$/i

/** Of what this package needs, what is for browsers, a third of all files, and what is for people, as well. */
const isNotForNode: Ignores = (path) =>
  /(?:^|\/)node_modules\//.test(path) || notRun.test(path) || /^browser\/|\.(?:html|md|markdown)$/i.test(path)

/** Of this package itself, `dist` and what says what it is. */
const isNotOurs: Ignores = (path) => !/^(?:dist\/|package\.json$)/.test(path) || notRun.test(path)

let own: Promise<Tree> | undefined

/** This package, at this very version, with all that it needs to run; read once in a process. */
export function ownTree(): Promise<Tree> {
  own ??= readOwn()
  return own
}

async function readOwn(): Promise<Tree> {
  const found: { path: string; source: string }[] = []
  for (const { folder, place } of await withDependencies(packageRoot())) {
    const { files, sources } = await treeOf(folder, {
      ignore: place === '' ? isNotOurs : isNotForNode,
      hashed: false,
    })
    // What this package needs stands beside it: programs find the helpers of compilers there, such as "tslib".
    const at = place === '' ? 'node_modules/flambeau' : place
    for (const [index, { path }] of files.entries())
      found.push({ path: join(at, path), source: sources[index]! })
  }
  return treeFrom(found)
}

/** How {@link packageFiles} looks at a package. */
export interface PackageOptions {
  readonly privateFiles: PrivateFiles
  /** Paths within the package of the modules that are imported. */
  readonly modules?: readonly string[]
}

/**
 * What goes of a user's package, with all that it needs to run but flambeau, which is there already. Packages that are
 * linked to, as workspaces are, lie in no `node_modules`: what holds for the package itself holds for them.
 *
 * @throws `ClusterConfigurationError` when it is a home folder, links lead out of it, or it lacks a dependency.
 */
export async function packageFiles(folder: string, options: PackageOptions): Promise<PackageFiles> {
  const all: PackageFiles = { files: [], withheld: [] }
  for (const placed of await withDependencies(folder, ['flambeau'])) {
    if (isPersonal(placed.folder)) throw personal(placed.folder)
    const { files, withheld } = await filesOfPackage(placed.folder, await rulesOf(placed, options))
    all.files.push(...files.map((file) => ({ ...file, path: join(placed.place, file.path) })))
    all.withheld.push(...withheld.map((path) => join(placed.place, path)))
  }
  return all
}

function rulesOf(placed: Placed, options: PackageOptions): Promise<PackageRules> | PackageRules {
  return /[\\/]node_modules[\\/]/.test(placed.folder) && placed.place !== ''
    ? rulesOfInstalled(options)
    : rulesOfOwn(placed, options)
}

function rulesOfInstalled({ privateFiles }: PackageOptions): PackageRules {
  const ignores: Ignores = (path) => /(?:^|\/)node_modules(?:\/|$)/.test(path) || notRun.test(path)
  return { privateFiles, ignores, addRepository: async () => undefined }
}

async function rulesOfOwn({ folder, place }: Placed, options: PackageOptions): Promise<PackageRules> {
  const { privateFiles, modules = [] } = options
  const own = await ignoring(folder, ['node_modules', '.flambeau'])
  const ignored = await gitIgnores(folder)
  const entries = [...entriesOf(await readManifest(folder)), ...(place === '' ? modules : [])]
  const needed = neededBy(folder, entries, ignored)
  const nested: (readonly [prefix: string, ignores: Ignores])[] = []
  return {
    privateFiles,
    ignores: (path) =>
      own(path) ||
      (!needed(path) &&
        (ignored(path) ||
          nested.some(
            ([prefix, ignores]) =>
              path.startsWith(prefix) && path !== prefix && ignores(path.slice(prefix.length)),
          ))),
    addRepository: async (path) => {
      nested.push([`${path}/`, await gitIgnores(join(folder, path))])
    },
  }
}

function personal(folder: string): ClusterConfigurationError {
  const message = `"${folder}" is a home folder, or holds others or keys of SSH, and is never sent: put the modules into a folder of their own, with a package.json`
  return new ClusterConfigurationError(message, { code: 'PERSONAL_FOLDER' })
}
