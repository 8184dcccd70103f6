import { mkdir, realpath, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { contentPath } from '../../cluster/cluster-files.js'
import { currentRun } from '../../cluster/run/current-run.js'
import { ClusterConfigurationError } from '../../errors.js'

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
    if (!(await isSame(kept, link))) throw taken(output)
  })
}

async function isSame(kept: string, link: string): Promise<boolean> {
  const there = await realpath(link).catch(() => undefined)
  return there === (await realpath(kept))
}

function taken(output: string): ClusterConfigurationError {
  const message = `"${output}" is in the folder of this run already, so no later run would find results in it: name another "output", which nothing else makes`
  return new ClusterConfigurationError(message, { code: 'OUTPUT_TAKEN' })
}
