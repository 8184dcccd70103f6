import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { CurrentRun } from '../../cluster/run/current-run.js'
import { ClusterConfigurationError } from '../../errors.js'

// All that was sent for a run lies here on each host, from the home folder there.
function packageOf({ connections }: CurrentRun): string {
  return `.flambeau/packages/${connections.packageHash}`
}

/** The program of workers, from the home folder of a factory. */
export function workerProgram(run: CurrentRun): string {
  return `${packageOf(run)}/node_modules/flambeau/dist/bullmq/worker.js`
}

/** Where a factory keeps results above 64 KB until the cluster is taken down, from its home folder. */
export function resultsFolder({ folder, program }: CurrentRun): string {
  return `.flambeau/clusters/${program.cluster}/results/${basename(folder)}`
}

/** Extensions as every host finds them: those that were sent, by their place below the home folder. */
export function shippedExtensions(
  extensions: Readonly<Record<string, string>>,
  run: CurrentRun,
): Record<string, string> {
  const { extensions: places } = run.program
  const shipped = Object.entries(extensions).map(([name, source]) => {
    const place = places[name]
    return [name, place === undefined ? source : `~/${packageOf(run)}/${place}`]
  })
  return Object.fromEntries(shipped)
}

/** The modules of a run that register classes, as this host finds them. */
export async function modulesOf(run: CurrentRun): Promise<URL[]> {
  const root = await rootOf(run)
  return run.program.imports.map((place) => pathToFileURL(join(root, place)))
}

/**
 * URLs of modules as paths from the home folder, which every host has somewhere else.
 *
 * @throws {@link ClusterConfigurationError} for a module that was not sent.
 */
export async function shippedModules(modules: readonly string[], run: CurrentRun): Promise<string[]> {
  const root = await rootOf(run)
  const places = modules.map((module) =>
    isFile(module) ? join(packageOf(run), placeIn(root, module)) : module,
  )
  return [...new Set(places)]
}

function rootOf(run: CurrentRun): Promise<string> {
  return realpath(join(homedir(), packageOf(run)))
}

function isFile(module: string): boolean {
  return module.startsWith('file:')
}

function placeIn(root: string, module: string): string {
  const file = fileURLToPath(module)
  const place = relative(root, file)
  if (!place.startsWith('..')) return place
  const message = `Module "${file}" is on the orchestrator only, so the factories cannot import it: name it in "--import", or in "imports" of "submit"`
  throw new ClusterConfigurationError(message, { code: 'MODULE_NOT_SENT' })
}
