import { spawn } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { temporaryBeside } from '../../util/atomic-write.js'
import { defaultGraceMs } from '../../util/process.js'
import type { RunSpecification } from '../wire/protocol.js'
import { activeRun, runActive, take } from './active-run.js'
import { cancel } from './cancel.js'
import { packages, runFolder, writeWhole } from './paths.js'
import { identify } from './process-identity.js'
import { reserve } from './reserved.js'
import { type RunFacts, readJson, reservedNames } from './run-files.js'
import { runVariable } from './run-processes.js'

/** Starts a run that goes on without this process; refused while another one has the cluster, unless forced. */
export async function start(specification: RunSpecification): Promise<{ id: string }> {
  const { id, cluster, force } = specification
  if (!/^[\w-]+$/.test(id)) throw new Error(`"${id}" is no id of a run`)
  await writeRun(specification)
  try {
    for (let other = await take(cluster, id); other; other = await take(cluster, id)) {
      if (!force) throw runActive(other)
      await cancel({ cluster, id: other, graceMs: defaultGraceMs })
    }
  } catch (error) {
    await rm(runFolder(id), { recursive: true, force: true })
    throw error
  }
  await superviseDetached(specification)
  return { id }
}

// Secrets are among its files: of what could not be written whole nothing stays.
async function writeRun(specification: RunSpecification): Promise<void> {
  const folder = runFolder(specification.id)
  const incoming = temporaryBeside(folder)
  try {
    await mkdir(join(incoming, 'work'), { recursive: true, mode: 0o700 })
    for (const name of reservedNames) reserve(join(incoming, name))
    await writeWhole(join(incoming, 'log'), '')
    const all = { ...specification.files, 'spec.json': JSON.stringify(await factsOf(specification)) }
    for (const [name, content] of Object.entries(all)) await writeWhole(join(incoming, name), content)
    await rename(incoming, folder)
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

async function factsOf({ id, cluster, file, packageHash }: RunSpecification): Promise<RunFacts> {
  const starter = (await identify(process.pid))!
  return { id, cluster, file, packageHash, startedAt: new Date().toISOString(), starter }
}

// A session and streams of its own: neither the end of this process nor of the connection reaches it.
async function superviseDetached({ id, cluster, packageHash }: RunSpecification): Promise<void> {
  const program = join(packages, packageHash, 'node_modules/flambeau/dist/cluster/supervise.js')
  const child = spawn(process.execPath, [program, runFolder(id)], {
    detached: true,
    stdio: 'ignore',
    cwd: runFolder(id),
    // A run that another one starts outlives it.
    env: { ...process.env, [runVariable]: undefined },
  })
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`the supervisor ended with ${code}`)))
  })
  failed.catch(() => undefined)
  await Promise.race([failed, isSupervised(id)]).catch(async (error) => {
    const other = await activeRun(cluster)
    throw other && other !== id ? runActive(other) : error
  })
  child.removeAllListeners().unref()
}

async function isSupervised(id: string): Promise<void> {
  while (!(await readJson(id, 'state.json')) && !(await readJson(id, 'exit.json'))) await delay(10)
}
