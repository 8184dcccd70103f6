import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { quoteArgument } from '../../util/shell.js'
import { propertyOf } from '../../util/thrown.js'
import { ownPackage } from '../protocol/layout.js'
import type { Request, RunSpecification, RunStatus, Unwritten } from '../protocol/messages.js'
import { layout, writeDurably } from './home.js'
import { isActiveJob, isFinished, statusOf } from './run-store.js'
import { askForJob, isFinalState, jobName, recordJob, runSlurm, stderrOf } from './slurm-jobs.js'

/** How many characters of what "sbatch" has printed an error shows. */
const mostShown = 200

/**
 * Submits the job of a run whose folder is written: its supervisor runs on the first node of the allocation. Returns the id of
 * the job.
 */
export async function submitJob(specification: RunSpecification): Promise<string> {
  const { id, slurm } = specification
  const script = layout.run(id, 'jobScript')
  await writeDurably(script, jobScript(specification))
  const args = [
    '--parsable',
    // The secrets of a run are gone when it has started: it cannot start twice.
    '--no-requeue',
    `--job-name=${jobName(id)}`,
    `--chdir=${layout.run(id, 'work')}`,
    // A "%" stands for a fact of the job there, "%%" for itself.
    `--output=${layout.run(id, 'log').replaceAll('%', '%%')}`,
    '--open-mode=append',
  ]
  const submitted = await runSlurm('sbatch', [...args, ...slurm!.arguments, script]).catch(async (error) => {
    // It may have been too late for an answer only.
    if (error.killed) await cancelWith([`--name=${jobName(id)}`]).catch(() => undefined)
    return throwRefused(error)
  })
  // "17", or "17;cluster".
  const [, jobId] = /^(\d+)(?:;.*)?$/.exec(submitted.trim().split('\n').at(-1)!) ?? []
  if (jobId === undefined) {
    // What takes the place of "sbatch" on this host may have submitted it.
    await cancelWith([`--name=${jobName(id)}`]).catch(() => undefined)
    throw refused(`"sbatch" printed no id of a job, but ${JSON.stringify(submitted.slice(0, mostShown))}`)
  }
  // On a full disk, the job is found by its name.
  await recordJob(id, { jobId, submittedAt: Date.now() }).catch(() => undefined)
  return jobId
}

/**
 * The runs of a cluster that wait in Slurm, or run.
 *
 * @throws The error of a file that cannot be read: its run may well be active.
 */
export async function unfinishedJobs(cluster: string): Promise<string[]> {
  const ids = await readdir(layout.runs).catch(() => [])
  const unfinished: string[] = []
  for (const id of ids.filter((name) => !name.includes('.')))
    if (await isActiveJob(cluster, id)) unfinished.push(id)
  return unfinished.sort()
}

// The nodes share the file system with this host, but perhaps not its Node.
function jobScript({ id, packageHash }: RunSpecification): string {
  const program = layout.package(packageHash, ownPackage, 'dist/cluster/supervise.js')
  const node = quoteArgument(process.execPath)
  return [
    '#!/bin/sh',
    // Whatever of the environment reaches the job.
    `export HOME=${quoteArgument(homedir())}`,
    // With "--export=NONE", Slurm would keep the steps on the nodes from the environment as well, PATH included.
    'unset SLURM_EXPORT_ENV',
    `node=${node}`,
    '[ -x "$node" ] || node=node',
    `exec "$node" ${quoteArgument(program)} ${quoteArgument(layout.run(id))}`,
    '',
  ].join('\n')
}

/** Throws what `sbatch` says, for the user. */
function throwRefused(error: Error): never {
  if (propertyOf(error, 'code') === 'ENOENT')
    throw Object.assign(new Error('sbatch'), { code: 'HOST_NO_SLURM' })
  const said = stderrOf(error) || error.message
  throw refused(said.replaceAll(/^sbatch: (?:error: )?/gm, ''))
}

function refused(message: string): Error {
  return Object.assign(new Error(message), { code: 'SLURM_REFUSED' })
}

const pauseMs = 100
/** How often Slurm is asked for one job that is cancelled. */
const askMs = 1000
/** How long Slurm may take to end a job, in addition to the grace period: longer than the usual `KillWait`. */
const killMs = 120_000

/**
 * Cancels the job of a run. One that waits never starts; the supervisor of one that runs terminates it, as on other hosts,
 * and Slurm does so when the supervisor does not.
 *
 * @throws `SLURM_SILENT` when the controller does not accept the request, and `JOB_NOT_ENDED` when the job is still active long after it.
 */
export async function cancelJob({ cluster, id, graceMs }: Request<'cancel'>): Promise<Unwritten<RunStatus>> {
  const started = Date.now()
  let askedAt = 0
  let isAccepted = false
  for (;;) {
    const status = await statusOf(cluster, id)
    const waited = Date.now() - started
    if (isFinished(status.state)) return status
    if (waited > graceMs + killMs) throw cancelError('JOB_NOT_ENDED', id)
    if (Date.now() - askedAt > askMs) {
      askedAt = Date.now()
      await signalJob(id, waited > graceMs + askMs).then(
        () => {
          isAccepted = true
        },
        (error) => {
          // Once the controller has accepted the request, it may be restarted.
          if (!isAccepted) throw cancelError('SLURM_SILENT', id, saidBy(error))
        },
      )
    }
    await delay(pauseMs)
  }
}

function cancelError(code: string, id: string, detail?: string): Error {
  return Object.assign(new Error(id), { code, detail })
}

function saidBy(error: Error): string {
  return stderrOf(error).split('\n').at(-1) || error.message
}

/** Asks Slurm to end a job that is still active. Rejects when Slurm does not accept the request. */
async function signalJob(id: string, isLate: boolean): Promise<void> {
  const job = await askForJob(id)
  if (job && isFinalState(job.state)) return
  const name = `--name=${jobName(id)}`
  if (isLate) return cancelWith([name])
  await cancelWith(['--state=PENDING', name])
  await cancelWith(['--state=RUNNING', '--batch', '--signal=TERM', name])
}

async function cancelWith(args: readonly string[]): Promise<void> {
  await runSlurm('scancel', args).catch((error) => {
    // The job ended before the request arrived.
    if (!/already complet|invalid job id/i.test(saidBy(error))) throw error
  })
}
