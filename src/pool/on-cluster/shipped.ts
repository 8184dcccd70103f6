import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
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

/**
 * Modules as every host finds them, from its home folder; those of the run are always among them.
 *
 * @throws {@link ClusterConfigurationError} for a module that was not sent.
 */
export async function shippedModules(modules: readonly string[], run: CurrentRun): Promise<string[]> {
  const folder = packageOf(run)
  const root = await realpath(join(homedir(), folder))
  const ofRun = run.program.imports.map((place) => join(folder, place))
  const others = modules.map((module) => (isFile(module) ? join(folder, placeIn(root, module)) : module))
  return [...new Set([...ofRun, ...others])]
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
