import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError } from '../../errors.js'
import { runVariable } from '../agent/run-processes.js'
import type { Connections, RunProgram } from './run-folder.js'

/** The run on a cluster that this process is. */
export interface CurrentRun {
  /** Its folder on the orchestrator. */
  readonly folder: string
  readonly program: RunProgram
  readonly connections: Connections
}

/** @throws {@link ClusterError} where this process is no run on a cluster. */
export async function currentRun(): Promise<CurrentRun> {
  const folder = process.env[runVariable]
  if (folder === undefined)
    throw new ClusterError('This is no run on a cluster, so it has no factories: submit it to one', {
      code: 'NO_RUN',
    })
  const [program, connections] = await Promise.all(
    ['program.json', 'connection.json'].map(async (name) =>
      JSON.parse(await readFile(join(folder, name), 'utf8')),
    ),
  )
  return { folder, program, connections }
}
