import { dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClusterConfigurationError } from '../../errors.js'
import type { ResolvedExtension } from '../../extensions/source.js'
import { compiledModule, isFile } from '../../modules/resolve.js'
import { compiledName } from '../../modules/typescript.js'
import { packageRoot, projectRoot } from '../../util/paths.js'
import type { PrivateFiles } from '../../util/private-files.js'
import { fileChanged } from '../host/agent-errors.js'
import { type Tree, treeOfFiles } from '../protocol/tree.js'
import { compileTypeScript } from './compile.js'
import { type PackageFiles, packageFiles } from './package-files.js'

/** A folder that is sent with a run. */
export interface BundlePart extends PackageFiles {
  /** The name in messages. */
  readonly name: string
  readonly folder: string
  /** The name of the extension in the runnable file; absent for a package of imported modules. */
  readonly extension?: string
  /** Whether these are the files of the run, and not code. */
  readonly isRunFiles?: boolean
}

/** What a run needs of this machine. */
export interface RunContent {
  readonly extensions: readonly ResolvedExtension[]
  /** Modules that register classes. */
  readonly imports: readonly (string | URL)[]
  /** The files that it needs besides code. */
  readonly files: BundlePart | undefined
}

/**
 * Lists what is sent with a run: its extensions, the packages of its imported modules, and its files. Only possible keys are
 * read.
 */
export async function collectParts(
  { extensions, imports, files: runFiles }: RunContent,
  privateFiles: PrivateFiles,
): Promise<BundlePart[]> {
  const parts: BundlePart[] = []
  for (const { name, folder } of extensions) {
    const files = await packageFiles(folder, { privateFiles })
    parts.push({ ...files, folder, name: `extension "${name}"`, extension: name })
  }
  for (const [folder, modules] of groupByFolder(imports)) {
    const { files, withheld } = await packageFiles(folder, { privateFiles, modules })
    const compiled = await compileTypeScript({ folder, files, modules })
    parts.push({ files: compiled, withheld, folder, name: `"${folder}"` })
  }
  return runFiles ? [...parts, runFiles] : parts
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

/** A part with the content of its files, and its path within the package that the run uses. */
export interface BundleTree extends BundlePart {
  readonly tree: Tree
  readonly path: string
}

/** Reads the content of all parts. */
export async function readTrees(parts: readonly BundlePart[]): Promise<BundleTree[]> {
  const trees: BundleTree[] = []
  for (const part of parts) {
    const tree = await treeOfFiles(part.files).catch((error) => Promise.reject(explainRemoved(error, part)))
    trees.push({ ...part, tree, path: `${kindOf(part)}/${tree.hash}` })
  }
  return trees
}

function kindOf({ extension, isRunFiles }: BundlePart): string {
  if (isRunFiles) return 'files'
  return extension === undefined ? 'programs' : 'extensions'
}

// A file may be removed after it was listed.
function explainRemoved(error: NodeJS.ErrnoException, { files }: BundlePart): unknown {
  const file = error.code === 'ENOENT' ? files.find(({ source }) => source === error.path) : undefined
  return file ? fileChanged(file.path, error) : error
}

/** The paths of modules within the package that the run uses. */
export function modulePaths(imports: RunContent['imports'], trees: readonly BundleTree[]): string[] {
  return imports.map(modulePath).map((file) => {
    const folder = programFolder(file)
    const part = trees.find((tree) => kindOf(tree) === 'programs' && tree.folder === folder)!
    const path = pathWithin(folder, file)
    const isSent = part.tree.files.some((each) => each.path === path)
    return `${part.path}/${isSent ? path : compiledName(path)}`
  })
}

// Of a module of this package, such as an example, only its folder is sent: hosts have the package already.
function programFolder(file: string): string {
  const folder = projectRoot(dirname(file))
  return folder === packageRoot() ? dirname(file) : folder
}

function modulePath(module: string | URL): string {
  const isUrl = module instanceof URL || module.startsWith('file:')
  const file = compiledModule(isUrl ? fileURLToPath(module) : resolve(module))
  if (isFile(file)) return file
  const message = `There is no module "${file}" to send: name a file, or a file URL such as new URL('./tasks.js', import.meta.url)`
  throw new ClusterConfigurationError(message, { code: 'NO_MODULE' })
}
