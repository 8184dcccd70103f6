import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Tree, treeFrom, treeOf } from '../wire/tree-of.js'
import { type Placed, withDependencies } from './dependencies.js'
import { ignoring } from './ignoring.js'
import { ownFolder } from './own-folder.js'

type Ignores = (path: string) => boolean

/** What of an installed package serves people and compilers only. */
const notRun = /\.(?:d\.[cm]?ts|map|md|markdown)$/i

const isNotRun: Ignores = (path) => /(?:^|\/)node_modules\//.test(path) || notRun.test(path)

/** Of what this package needs, what is for browsers, a third of all files, as well. */
const isNotForNode: Ignores = (path) => isNotRun(path) || /^browser\/|\.html$/.test(path)

/** Of this package itself, `dist` and what says what it is. */
const isNotOurs: Ignores = (path) => !/^(?:dist\/|package\.json$)/.test(path) || notRun.test(path)

let own: Promise<Tree> | undefined

/** This package, at this very version, with all that it needs to run; read once in a process. */
export function ownTree(): Promise<Tree> {
  own ??= withDependencies(ownFolder()).then((packages) =>
    merge(packages, { at: 'node_modules/flambeau', ignore: isNotOurs, ignoreBelow: isNotForNode }),
  )
  return own
}

/**
 * A user's package with all that it needs to run, but for flambeau, which is there already. Of the package itself
 * everything goes that its `.flambeauignore` does not name; `kept` are files that stay here all the same.
 */
export async function packageTree(folder: string, kept: readonly string[] = []): Promise<Tree> {
  const packages = await withDependencies(folder, ['flambeau'])
  const ignores = await ignoring(folder, ['node_modules/'])
  const places = await Promise.all(kept.map(realPath))
  const real = await realPath(folder)
  const ignore: Ignores = (path) => ignores(path) || places.includes(join(real, path))
  return merge(packages, { at: '', ignore, ignoreBelow: isNotRun })
}

function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path))
}

interface Merging {
  /** Where the first package, which needs the others, stands in the tree. */
  readonly at: string
  readonly ignore: Ignores
  /** What stays here of the packages that it needs. */
  readonly ignoreBelow: Ignores
}

async function merge(packages: readonly Placed[], { at, ignore, ignoreBelow }: Merging): Promise<Tree> {
  const found: { path: string; source: string }[] = []
  for (const { folder, place } of packages) {
    const tree = await treeOf(folder, { ignore: place === '' ? ignore : ignoreBelow, hashed: false })
    for (const [index, { path }] of tree.files.entries())
      found.push({ path: join(place === '' ? at : place, path), source: tree.sources[index]! })
  }
  return treeFrom(found)
}
