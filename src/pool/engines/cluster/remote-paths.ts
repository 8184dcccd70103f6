import { mkdir, realpath, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, posix, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { contentPath } from '../../../cluster/hosts.js'
import { fromHome, ownPackage } from '../../../cluster/protocol/layout.js'
import { type CurrentRun, currentRun } from '../../../cluster/run/current-run.js'
import { ClusterConfigurationError } from '../../../errors.js'

// All that was sent for a run lies here on each host, from the home folder there.
function packageFolder({ connections }: CurrentRun): string {
  return fromHome.package(connections.packageHash)
}

/** The program of workers, from the home folder of a factory. */
export function workerProgramPath(run: CurrentRun): string {
  return fromHome.package(run.connections.packageHash, ownPackage, 'dist/bullmq/worker.js')
}

/** Where a factory keeps results above 64 KB until the cluster is taken down, from its home folder. */
export function resultsFolder({ folder, program }: CurrentRun): string {
  return posix.join(fromHome.cluster(program.cluster, 'results'), basename(folder))
}

/** Extensions as every host finds them: those that were sent, by their place below the home folder. */
export function remoteExtensions(
  extensions: Readonly<Record<string, string>>,
  run: CurrentRun,
): Record<string, string> {
  const { extensions: places } = run.program
  const shipped = Object.entries(extensions).map(([name, source]) => {
    const place = places[name]
    return [name, place === undefined ? source : `~/${packageFolder(run)}/${place}`]
  })
  return Object.fromEntries(shipped)
}

/** The modules of a run that register classes, as this host finds them. */
export async function programModules(run: CurrentRun): Promise<URL[]> {
  const root = await packageRoot(run)
  return run.program.imports.map((place) => pathToFileURL(join(root, place)))
}

/**
 * URLs of modules as paths from the home folder, which every host has somewhere else.
 *
 * @throws {@link ClusterConfigurationError} for a module that was not sent.
 */
export async function remoteModules(modules: readonly string[], run: CurrentRun): Promise<string[]> {
  const root = await packageRoot(run)
  const places = modules.map((module) =>
    isFile(module) ? join(packageFolder(run), pathWithin(root, module)) : module,
  )
  return [...new Set(places)]
}

function packageRoot(run: CurrentRun): Promise<string> {
  return realpath(join(homedir(), packageFolder(run)))
}

function isFile(module: string): boolean {
  return module.startsWith('file:')
}

function pathWithin(root: string, module: string): string {
  const file = fileURLToPath(module)
  const place = relative(root, file)
  if (!place.startsWith('..')) return place
  const message = `Module "${file}" is on the orchestrator only, so the factories cannot import it: name it in "--import", or in "imports" of "submit"`
  throw new ClusterConfigurationError(message, { code: 'MODULE_NOT_SENT' })
}

/**
 * Lets a folder outlive the run: it lies in the cluster's own folder on the orchestrator, where a later run finds it,
 * and the folder of this run has a link to it. One with an absolute path stays where it is.
 *
 * @throws {@link ClusterConfigurationError} when something else has its place in the folder of this run.
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
    // A second map of the run has the same one.
    if (!(await isSame(kept, link))) throw outputTaken(output)
  })
}

async function isSame(kept: string, link: string): Promise<boolean> {
  const there = await realpath(link).catch(() => undefined)
  return there === (await realpath(kept))
}

function outputTaken(output: string): ClusterConfigurationError {
  const message = `"${output}" is in the folder of this run already, so no later run would find results in it: name another "output", which nothing else makes`
  return new ClusterConfigurationError(message, { code: 'OUTPUT_TAKEN' })
}
