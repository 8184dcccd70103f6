import { existsSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClusterConfigurationError } from '../../errors.js'
import type { ResolvedExtension } from '../../extensions/source.js'
import { packageRoot, projectRoot } from '../../util/paths.js'
import { type Tree, treeOfFiles } from '../protocol/tree.js'
import { type PackageFiles, packageFiles } from './package-files.js'
import type { PrivateFiles } from './private-files.js'

/** A folder that goes along with a run. */
export interface BundlePart extends PackageFiles {
  /** What messages call it. */
  readonly name: string
  readonly folder: string
  /** The name of the extension that it is in the runnable file; otherwise its modules are imported. */
  readonly extension?: string
}

/** What a run needs of this machine. */
export interface RunContent {
  readonly extensions: readonly ResolvedExtension[]
  /** Modules that register classes. */
  readonly imports: readonly (string | URL)[]
}

/** What goes along with a run: its extensions, and the packages of the modules that it imports; reads no file but keys. */
export async function collectParts(
  { extensions, imports }: RunContent,
  privateFiles: PrivateFiles,
): Promise<BundlePart[]> {
  const shipments: BundlePart[] = []
  for (const { name, folder } of extensions) {
    const files = await packageFiles(folder, { privateFiles })
    shipments.push({ ...files, folder, name: `extension "${name}"`, extension: name })
  }
  for (const [folder, modules] of groupByFolder(imports)) {
    const files = await packageFiles(folder, { privateFiles, modules })
    shipments.push({ ...files, folder, name: `"${folder}"` })
  }
  return shipments
}

function groupByFolder(imports: RunContent['imports']): Map<string, string[]> {
  const folders = new Map<string, string[]>()
  for (const file of imports.map(modulePath)) {
    const folder = programFolder(file)
    const modules = folders.get(folder) ?? []
    folders.set(folder, [...modules, pathWithin(folder, file)])
  }
  return folders
}

function pathWithin(folder: string, file: string): string {
  return relative(folder, file).split(sep).join('/')
}

/** A folder that goes along, and where it lies within the package that the run uses. */
export interface BundleTree extends BundlePart {
  readonly tree: Tree
  readonly place: string
}

/** Shipments with what their files hold. */
export async function readTrees(shipments: readonly BundlePart[]): Promise<BundleTree[]> {
  const trees: BundleTree[] = []
  for (const shipment of shipments) {
    const tree = await treeOfFiles(shipment.files)
    const kind = shipment.extension === undefined ? 'programs' : 'extensions'
    trees.push({ ...shipment, tree, place: `${kind}/${tree.hash}` })
  }
  return trees
}

/** Modules as paths within the package that the run uses. */
export function modulePaths(imports: RunContent['imports'], trees: readonly BundleTree[]): string[] {
  return imports.map(modulePath).map((file) => {
    const folder = programFolder(file)
    const { place } = trees.find((tree) => tree.extension === undefined && tree.folder === folder)!
    return `${place}/${pathWithin(folder, file)}`
  })
}

// Of this package itself, as in its examples, the hosts have a copy: a second one would be too much.
function programFolder(file: string): string {
  const folder = projectRoot(dirname(file))
  return folder === packageRoot() ? dirname(file) : folder
}

function modulePath(module: string | URL): string {
  const isUrl = module instanceof URL || module.startsWith('file:')
  const file = isUrl ? fileURLToPath(module) : resolve(module)
  if (existsSync(file)) return file
  const message = `There is no module "${file}" to send: name a file, or a file URL such as new URL('./tasks.js', import.meta.url)`
  throw new ClusterConfigurationError(message, { code: 'NO_MODULE' })
}
