import { mkdir, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { contentPath } from '../../cluster/cluster-files.js'
import { currentRun } from '../../cluster/run/current-run.js'

/**
 * Lets a folder outlive the run: it lies in the cluster's own folder on the orchestrator, where a later run finds it,
 * and the folder of this run has a link to it. One with an absolute path stays where it is.
 */
export async function keepOutput(output: string): Promise<void> {
  if (isAbsolute(output)) return
  const { program } = await currentRun()
  const kept = join(homedir(), contentPath(program.cluster, output))
  await mkdir(kept, { recursive: true, mode: 0o700 })
  await mkdir(dirname(output), { recursive: true })
  await symlink(kept, output).catch((error) => {
    // A second map of the run has the same one.
    if (error.code !== 'EEXIST') throw error
  })
}
