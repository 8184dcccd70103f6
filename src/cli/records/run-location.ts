import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ResourceError } from '../../errors.js'
import { StderrLogger } from '../../logger.js'
import { readProject } from '../../project.js'
import type { RunRecord } from '../../records/record.js'
import { findRun, readRecord } from '../../records/runs.js'
import { repeatCommand } from '../../util/repeat-command.js'
import type { ClusterFlags } from '../cluster/cluster-context.js'
import type { Command } from '../commander.js'
import { type LogFlags, levelOf } from '../log-level.js'
import { type RunsFolder, runsFolder } from '../runs-folder.js'

/** The record of a run. */
export interface FoundRecord {
  /** The folder of the record. */
  readonly folder: string
  readonly record: RunRecord
  readonly runs: RunsFolder
}

/** The folder of the records of this project; none outside of a project. */
export async function currentRuns({
  project = true,
}: {
  project?: boolean
}): Promise<RunsFolder | undefined> {
  return runsFolder(project ? await readProject() : undefined)
}

/** @throws {@link ResourceError} outside of a project. */
export async function expectRuns(flags: { project?: boolean }): Promise<RunsFolder> {
  const runs = await currentRuns(flags)
  if (runs) return runs
  throw new ResourceError(
    'Runs are recorded in a project only: go to a folder with a "package.json", whose "flambeau" does not have "runs": false',
    { code: 'NO_PROJECT' },
  )
}

/**
 * Finds the record of an id, of the beginning of one, or of `last`.
 *
 * @throws {@link ResourceError} when there is none, or there are several.
 */
export async function findRecord(wanted: string, flags: { project?: boolean }): Promise<FoundRecord> {
  const runs = await expectRuns(flags)
  const folder = join(runs.path, await findRun(runs.path, wanted))
  return { folder, record: await readRecord(folder), runs }
}

/** Where a run is that a command names: here, with its record, or on a cluster, perhaps with a record. */
export type RunLocation =
  | { readonly found: FoundRecord; readonly cluster?: undefined }
  | { readonly id: string; readonly cluster: ClusterFlags; readonly found?: FoundRecord }

/**
 * Finds a run by its id: on the cluster that `--cluster` names, else among the records, else on the cluster of the project. The
 * record of a run on a cluster says which cluster it is.
 *
 * @throws {@link ResourceError} when there is none.
 */
export async function locateRun(id: string, flags: ClusterFlags): Promise<RunLocation> {
  if (flags.cluster !== undefined) return locateOnCluster(id, flags)
  try {
    const found = await findRecord(id, flags)
    const { cluster } = found.record
    if (!cluster) return { found }
    expectClusterFile(found.record)
    return { id: found.record.id, cluster: clusterFlagsOf(found.record, flags), found }
  } catch (error) {
    const project = flags.project ? await readProject() : undefined
    if (project?.cluster === undefined || !isUnknown(error)) throw error
    return { id, cluster: flags }
  }
}

// A run that this project has not recorded is known to its cluster only.
async function locateOnCluster(id: string, flags: ClusterFlags): Promise<RunLocation> {
  const found = await findRecord(id, flags).catch(() => undefined)
  return found?.record.cluster ? { id: found.record.id, cluster: flags, found } : { id, cluster: flags }
}

function expectClusterFile({ id, cluster }: RunRecord): void {
  const { name, file } = cluster!
  if (existsSync(file)) return
  const message = `Run ${id} is on cluster "${name}", and there is no file "${fromHere(file)}" any more: add "--cluster FILE"`
  throw new ResourceError(message, { code: 'NO_CLUSTER_FILE' })
}

function isUnknown(error: unknown): boolean {
  return error instanceof ResourceError && ['NO_SUCH_RUN', 'NO_PROJECT'].includes(error.code)
}

/** The flags with which a command reaches the cluster of a record; those of the command win. */
export function clusterFlagsOf(record: RunRecord, flags: ClusterFlags): ClusterFlags {
  const { secrets = record.secrets, secretsDialect = record.secretsDialect } = flags
  return {
    ...flags,
    cluster: fromHere(record.cluster!.file),
    import: [...new Set([...record.imports, ...flags.import])],
    envFile: flags.envFile.length > 0 ? flags.envFile : (record.envFiles ?? []),
    ...(secrets !== undefined && { secrets }),
    ...(secretsDialect !== undefined && { secretsDialect: secretsDialect as 'python' }),
  }
}

/** A path for messages. */
export function fromHere(path: string): string {
  const near = relative('', path)
  return near.startsWith('..') ? path : near
}

/** Refuses a command that works on a cluster only. */
export function expectOnCluster(
  location: RunLocation,
  command: Command,
): asserts location is RunLocation & { id: string; cluster: ClusterFlags } {
  if (location.cluster) return
  const { id } = location.found.record
  command.error(
    `error: run ${id} ran on this machine: "${command.name()}" needs a run on a cluster; see "${repeatCommand(['show', id])}"`,
  )
}

/** The logger of a command. */
export function loggerOf(flags: LogFlags): StderrLogger {
  return new StderrLogger(levelOf(flags))
}
