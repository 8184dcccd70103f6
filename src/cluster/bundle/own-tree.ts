import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packageRoot } from '../../util/paths.js'
import { ownPackage } from '../protocol/layout.js'
import { readTree, type Tree, treeOfFiles } from '../protocol/tree.js'
import { isForNode, readManifest, withDependencies } from './dependencies.js'
import type { Ignores } from './ignore.js'
import { notRun } from './package-files.js'

/**
 * What `build-host.js` makes for hosts. A host that sends this package on has no such folder: its package is what it was
 * sent.
 */
const hostBuild = 'dist/host'

/**
 * Files of dependencies that Node does not need: builds for browsers, a third of all files, and documentation as
 * well.
 */
const isNotForNode: Ignores = (path) =>
  /(?:^|\/)node_modules\//.test(path) || notRun.test(path) || /^browser\/|\.(?:html|md|markdown)$/i.test(path)

/** Of a package on a host, everything is sent that came with it. */
const isNotShipped: Ignores = (path) => !/^(?:dist\/|package\.json$)/.test(path) || notRun.test(path)

/** Besides the modules in {@link hostBuild}, a host gets the programs that need none, and what a report is made of. */
const isNotShared: Ignores = (path) =>
  !/^dist\/(?:$|view\/(?:$|page\.json\.br$)|cluster\/(?:$|agent\.cjs$|supervise\.js$))/.test(path) ||
  notRun.test(path)

interface SourceFile {
  readonly path: string
  readonly source: string
}

/** Which packages {@link ownTree} has. */
interface OwnTreeOptions {
  /**
   * Whether the optional peers are among them that are installed, such as `bullmq`. They are many times larger than all
   * else, and only runs use them.
   */
  readonly peers: boolean
}

const ownTrees = new Map<boolean, Promise<Tree>>()

/** This package with what a run needs of its runtime dependencies; it is read once per process. */
export function ownTree({ peers }: OwnTreeOptions): Promise<Tree> {
  const tree = ownTrees.get(peers) ?? readOwnTree({ peers })
  ownTrees.set(peers, tree)
  return tree
}

async function readOwnTree({ peers }: OwnTreeOptions): Promise<Tree> {
  const root = packageRoot()
  const build = existsSync(join(root, hostBuild)) ? join(root, hostBuild) : undefined
  const own = build ? join(build, 'flambeau') : root
  const found = build
    ? [...(await builtFilesOf(own, ownPackage)), ...(await filesOf(root, ownPackage, isNotShared))]
    : await filesOf(root, ownPackage, isNotShipped)
  const { dependencies: used = {} } = await readManifest(own, build && builtManifest)
  const { dependencies = {}, peerDependencies = {} } = await readManifest(root)
  const unused = [
    ...Object.keys(dependencies).filter((name) => !Object.hasOwn(used, name)),
    ...(peers ? [] : Object.keys(peerDependencies)),
  ]
  const [, ...packages] = await withDependencies(root, { unused })
  const joined = build === undefined ? {} : await readJoined(build)
  // Dependencies are siblings of this package, so that users' programs can resolve helpers such as "tslib".
  for (const { folder, path } of packages) {
    const name = path.slice('node_modules/'.length)
    const known = joined[name]
    if (known === undefined) found.push(...(await filesOf(folder, path, await unusedBuildsOf(folder))))
    else if (!(await isSame(folder, known)))
      found.push(...(await filesOf(folder, path, await rulesOf(folder))))
    else found.push(...(await builtFilesOf(join(build!, 'packages', name), path)))
  }
  return treeOfFiles(found)
}

/** What is left out of a dependency: a build for bundlers, beside the one that Node loads, is half of BullMQ. */
async function unusedBuildsOf(folder: string): Promise<Ignores> {
  const manifest = await readManifest(folder)
  const isUnused: Ignores = (path) =>
    /(?:^|\/)(?:es|es6|esm|esnext)\/$/.test(path) && !isForNode(manifest, path)
  return (path) => isNotForNode(path) || isUnused(path)
}

/** What is left out of a dependency that is sent as it is installed: all but its one module, if that imports no other. */
async function rulesOf(folder: string): Promise<Ignores> {
  const { main = 'index.js', exports } = await readManifest(folder)
  if (exports !== undefined || typeof main !== 'string' || !/\.c?js$/.test(main)) return isNotForNode
  const text = await readFile(join(folder, main), 'utf8').catch(() => undefined)
  const isAlone = text !== undefined && !/\brequire\b|\bimport\b|__(?:dir|file)name/.test(text)
  const module = join(main)
  const isParent: Ignores = (path) => path.endsWith('/') && module.startsWith(path)
  return isAlone ? (path) => path !== module && path !== 'package.json' && !isParent(path) : isNotForNode
}

async function filesOf(folder: string, path: string, ignore?: Ignores): Promise<SourceFile[]> {
  const { files, sources } = await readTree(folder, { ...(ignore && { ignore }), hashed: false })
  return files.map((file, index) => ({ path: join(path, file.path), source: sources[index]! }))
}

/** The name of a `package.json` in {@link hostBuild}: bundlers would look into one there. */
const builtManifest = 'manifest.json'

async function builtFilesOf(folder: string, path: string): Promise<SourceFile[]> {
  const files = await filesOf(folder, path)
  const manifest = join(path, builtManifest)
  return files.map((file) => (file.path === manifest ? { ...file, path: join(path, 'package.json') } : file))
}

/** A package of which `build-host.js` made few files. */
interface JoinedPackage {
  readonly version: string
  /** The sizes of the files that it was made of, by path. */
  readonly files: Readonly<Record<string, number>>
}

async function readJoined(build: string): Promise<Readonly<Record<string, JoinedPackage | undefined>>> {
  return JSON.parse(await readFile(join(build, 'packages.json'), 'utf8'))
}

// Another version may be installed here, or one that was patched: then a host gets what is installed.
async function isSame(folder: string, { version, files }: JoinedPackage): Promise<boolean> {
  return (
    (await readManifest(folder)).version === version &&
    Object.entries(files).every(
      ([path, size]) => statSync(join(folder, path), { throwIfNoEntry: false })?.size === size,
    )
  )
}
