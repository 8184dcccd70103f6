import { mkdir, realpath, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, posix, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { contentPath } from '../../../cluster/hosts.js'
import { fromHome, ownPackage } from '../../../cluster/protocol/layout.js'
import type { Request } from '../../../cluster/protocol/messages.js'
import { type CurrentRun, currentRun } from '../../../cluster/run/current-run.js'
import { ClusterConfigurationError } from '../../../errors.js'

// Everything that was sent for the run, relative to the home folder of each host.
function packageFolder({ connections }: CurrentRun): string {
  return fromHome.package(connections.packageHash)
}

/** The program of the workers, relative to the home folder of a worker host. */
export function workerProgramPath(run: CurrentRun): string {
  return fromHome.package(run.connections.packageHash, ownPackage, 'dist/bullmq/worker.js')
}

/**
 * The folder of results above 64 KB and of the tasks' own folders, relative to the home folder of a worker host. It stays until the cluster is taken
 * down.
 */
export function resultsFolder({ folder, program }: CurrentRun, id = basename(folder)): string {
  return posix.join(fromHome.cluster(program.cluster, 'results'), id)
}

/** Asks a worker host for the folder in which the tasks of a run work. */
export function workRequest({ folder, program }: CurrentRun): Request<'makeWorkFolder'> {
  const request = { cluster: program.cluster, run: basename(folder) }
  return program.work ? { ...request, work: program.work } : request
}

/** Extensions with sources that every host finds: those that were sent are below the home folder. */
export function remoteExtensions(
  extensions: Readonly<Record<string, string>>,
  run: CurrentRun,
): Record<string, string> {
  const sent = run.program.extensions
  const sources = Object.entries(extensions).map(([name, source]) => {
    const path = sent[name]
    return [name, path === undefined ? source : `~/${packageFolder(run)}/${path}`]
  })
  return Object.fromEntries(sources)
}

/** The modules that register the classes of a run, on this host. */
export async function programModules(run: CurrentRun): Promise<URL[]> {
  const root = await packageRoot(run)
  return run.program.imports.map((path) => pathToFileURL(join(root, path)))
}

/**
 * Turns URLs of modules into paths relative to the home folder, which differs from host to host.
 *
 * @throws {@link ClusterConfigurationError} for a module that was not sent.
 */
export async function remoteModules(modules: readonly string[], run: CurrentRun): Promise<string[]> {
  const root = await packageRoot(run)
  const paths = modules.map((module) =>
    module.startsWith('file:') ? join(packageFolder(run), pathWithin(root, module)) : module,
  )
  return [...new Set(paths)]
}

function packageRoot(run: CurrentRun): Promise<string> {
  return realpath(join(homedir(), packageFolder(run)))
}

function pathWithin(root: string, module: string): string {
  const file = fileURLToPath(module)
  const path = relative(root, file)
  if (!path.startsWith('..')) return path
  const message = `Module "${file}" is on the orchestrator only, so the workers cannot import it: add it to "--import", or to "imports" of "submit"`
  throw new ClusterConfigurationError(message, { code: 'MODULE_NOT_SENT' })
}

/**
 * Makes a folder outlive the run: puts it into the cluster's folder on the orchestrator, where a later run finds it,
 * and links to it from the folder of this run. A folder with an absolute path stays where it is.
 *
 * @throws {@link ClusterConfigurationError} when the folder of this run has something else with this name.
 */
export async function keepOutput(output: string): Promise<void> {
  if (isAbsolute(output)) return
  const { program } = await currentRun()
  const kept = join(homedir(), contentPath(program.cluster, output))
  const link = resolve(output)
  await mkdir(kept, { recursive: true, mode: 0o700 })
  await mkdir(dirname(link), { recursive: true })
  await symlink(kept, link).catch(async (error) => {
    if (error.code !== 'EEXIST') throw error
    // A second map of this run may have linked it.
    if (!(await isSame(kept, link))) throw outputTaken(output)
  })
}

async function isSame(kept: string, link: string): Promise<boolean> {
  const target = await realpath(link).catch(() => undefined)
  return target === (await realpath(kept))
}

function outputTaken(output: string): ClusterConfigurationError {
  const message = `"${output}" already exists in the folder of this run, so a later run would not find its results: name another "output"`
  return new ClusterConfigurationError(message, { code: 'OUTPUT_TAKEN' })
}
