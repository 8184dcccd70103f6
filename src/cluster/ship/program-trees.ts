import { existsSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClusterConfigurationError } from '../../errors.js'
import type { ResolvedExtension } from '../../extensions/resolved.js'
import type { Tree } from '../wire/tree-of.js'
import { ownFolder, packageAbove } from './own-folder.js'
import { packageTree } from './package-tree.js'

/** A folder that goes along with a run, and where it lies within the package that the run uses. */
export interface ShippedTree {
  /** What messages call it. */
  readonly name: string
  readonly tree: Tree
  readonly place: string
}

/** The tree of an extension. */
export interface ExtensionTree extends ShippedTree {
  /** Its name in the runnable file. */
  readonly extension: string
}

/** The trees of extensions, as they are on this machine; files that are `kept` stay here. */
export async function extensionTrees(
  extensions: readonly ResolvedExtension[],
  kept: readonly string[],
): Promise<ExtensionTree[]> {
  const trees: ExtensionTree[] = []
  for (const { name: extension, folder } of extensions) {
    const tree = await packageTree(folder, kept)
    trees.push({ extension, name: `extension "${extension}"`, tree, place: `extensions/${tree.hash}` })
  }
  return trees
}

/**
 * The trees of the packages in which modules lie, and the modules as paths within the package that the run uses; files
 * that are `kept` stay here.
 */
export async function importTrees(
  modules: readonly (string | URL)[],
  kept: readonly string[],
): Promise<{ trees: ShippedTree[]; imports: string[] }> {
  const trees = new Map<string, ShippedTree>()
  const imports: string[] = []
  for (const module of modules) {
    const file = fileOf(module)
    const folder = programFolder(file)
    const shipped = trees.get(folder) ?? (await programTree(folder, kept))
    trees.set(folder, shipped)
    imports.push(`${shipped.place}/${relative(folder, file)}`)
  }
  return { trees: [...trees.values()], imports }
}

// Of this package itself, as in its examples, the hosts have a copy: a second one would be too much.
function programFolder(file: string): string {
  const folder = packageAbove(dirname(file))
  return folder === ownFolder() ? dirname(file) : folder
}

async function programTree(folder: string, kept: readonly string[]): Promise<ShippedTree> {
  const tree = await packageTree(folder, kept)
  return { name: `"${folder}"`, tree, place: `programs/${tree.hash}` }
}

function fileOf(module: string | URL): string {
  const isUrl = module instanceof URL || module.startsWith('file:')
  const file = isUrl ? fileURLToPath(module) : resolve(module)
  if (existsSync(file)) return file
  const message = `There is no module "${file}" to send: name a file, or a file URL such as new URL('./tasks.js', import.meta.url)`
  throw new ClusterConfigurationError(message, { code: 'NO_MODULE' })
}
