import { execFile } from 'node:child_process'
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { writeAtomically } from '../../util/atomic-write.js'
import { isMapping } from '../../util/plain-object.js'
import { isAlive, type ProcessIdentity } from '../../util/process-identity.js'
import { propertyOf } from '../../util/thrown.js'
import { memoryKill, type RunState } from '../protocol/messages.js'
import { withFileLock } from './file-lock.js'
import { layout, writeDurably } from './home.js'

const execute = promisify(execFile)

/** What Slurm says of the job of a run. */
export interface SlurmJob {
  readonly jobId: string
  /** As `squeue` prints it: `PENDING`, `TIMEOUT`. */
  readonly state: string
  /** Why it is in this state; `None` when Slurm gives no reason. */
  readonly reason: string
  /** When it ended, or will have to; ISO 8601. */
  readonly endedAt?: string | undefined
}

/** The jobs of this user at one time, by the id of the run. All agents on the host share it. */
interface JobListing {
  /** When `squeue` was asked, in milliseconds since 1970. */
  readonly askedAt: number
  /** When it last answered. */
  readonly answeredAt: number
  readonly jobs: Readonly<Record<string, SlurmJob>>
}

/** `slurm.json` of a run folder: its job, as far as it is known; with its state once it has ended. */
interface KnownJob extends Partial<SlurmJob> {
  /** Whether neither the controller nor the accounts of Slurm have it: they are not asked again. */
  readonly isForgotten?: true
  /** When `sbatch` had submitted it, in milliseconds since 1970. */
  readonly submittedAt?: number
}

/** How long the answer of `squeue` is used: it is never asked more often, however many runs and agents wait. */
const listingMs = 5000
/** How long a command of Slurm may take: it tries again by itself when the controller does not answer. */
const commandMs = 30_000
/** The same for `squeue`: less than the time after which others no longer wait for its lock. */
const squeueMs = 8000
/** How long the files of a job may take to reach this host over a network file system. */
const fileDelayMs = 15_000

/** How long after its submission the accounts may not answer for a job, before they count as having nothing of it. */
const accountsMs = 600_000

const namePrefix = 'flambeau-'

/** The name of the job of a run, by which it is found. */
export function jobName(id: string): string {
  return `${namePrefix}${id}`
}

/** Runs a command of Slurm; rejects when it is not installed, fails, or does not end. */
export async function runSlurm(
  command: string,
  args: readonly string[],
  timeout = commandMs,
): Promise<string> {
  const env = { ...process.env, SLURM_TIME_FORMAT: 'standard' }
  return (await execute(command, args, { env, timeout, maxBuffer: 1 << 28 })).stdout
}

/** What a command that {@link runSlurm} ran has written on standard error before it failed. */
export function stderrOf(error: Error): string {
  return String(propertyOf(error, 'stderr') ?? '').trim()
}

/** Whether a command has failed because the controller does not answer: what it was to do is not done. */
function isSilent(error: Error): boolean {
  return propertyOf(error, 'killed') === true || /contact slurm controller|timed out/i.test(stderrOf(error))
}

/** The status of a run by its job: of a run without `exit.json`, for which its supervisor cannot speak. */
export interface JobStatus {
  readonly state: RunState
  readonly waitsFor?: string | undefined
  readonly reason?: string | undefined
  readonly endedAt?: string | undefined
  /** Whether the job ended, without being cancelled, before its supervisor started the run. */
  readonly hasFailedToStart?: true
}

/** A run that a process has submitted, or is about to submit. */
interface SubmittedRun {
  readonly id: string
  readonly startedAt: string
  readonly starter: ProcessIdentity
}

/** What Slurm says of a run; `hasStarted` says whether its supervisor has. */
export async function jobStatus(run: SubmittedRun, hasStarted: boolean): Promise<JobStatus> {
  const { id } = run
  const job = (await finalJob(id)) ?? (await listedJob(run))
  if (job === 'submitted') return { state: hasStarted ? 'running' : 'queued' }
  if (!job) return { state: 'lost' }
  const { state, reason, endedAt } = job
  // What Slurm said may be five seconds old.
  if (waitingStates.has(state) && !hasStarted)
    return { state: 'queued', waitsFor: reason === 'None' ? undefined : reason }
  if (!isFinalState(state)) return { state: hasStarted ? 'running' : 'starting' }
  if (cancelledStates.has(state)) return { state: 'cancelled', endedAt }
  if (reasonStates.has(state)) return { state: 'failed', reason: state, endedAt }
  // Its supervisor has recorded how it ended, unless it was killed. A client of NFS looks for the record again once the folder is read.
  await readdir(layout.run(id)).catch(() => [])
  const written = reasonInLog(id, job.jobId)
  if (written === 'OUT_OF_MEMORY') return { state: 'failed', reason: written, endedAt }
  const isRecent = endedAt !== undefined && Date.now() - Date.parse(endedAt) < fileDelayMs
  if (isRecent) return { state: hasStarted ? 'running' : 'starting' }
  return hasStarted ? { state: 'lost', endedAt } : { state: 'failed', endedAt, hasFailedToStart: true }
}

const waitingStates = new Set([
  'PENDING',
  'REQUEUED',
  'REQUEUE_FED',
  'REQUEUE_HOLD',
  'RESV_DEL_HOLD',
  'SPECIAL_EXIT',
])
const cancelledStates = new Set(['CANCELLED', 'REVOKED'])
/** The states in which Slurm itself has ended a job. */
const reasonStates = new Set(['BOOT_FAIL', 'DEADLINE', 'NODE_FAIL', 'OUT_OF_MEMORY', 'PREEMPTED', 'TIMEOUT'])

/** Whether a job in this state has ended. */
export function isFinalState(state: string): boolean {
  return cancelledStates.has(state) || reasonStates.has(state) || state === 'COMPLETED' || state === 'FAILED'
}

/** How much of the end of a log is searched for what Slurm has written there. */
const maxTail = 1 << 16

/** Why Slurm has ended the job of a run, as the log of the run says; `undefined` when it says nothing of it. */
export function reasonInLog(id: string, jobId: string): string | undefined {
  return endReason(readTail(layout.run(id, 'log')), jobId)
}

function endReason(log: string, jobId: string): string | undefined {
  // What the run has printed may have no end of line.
  const written = log.match(/slurmstepd\S*: error: .*/g) ?? []
  const ofJob = written.filter((line) => new RegExp(`(?:JOB |STEP |StepId=)${jobId}\\b`).test(line))
  if (ofJob.some((line) => memoryKill.test(line))) return 'OUT_OF_MEMORY'
  const [, reason] =
    ofJob.map((line) => /CANCELLED AT \S+(?: DUE TO ([^,*]*))?/.exec(line)).findLast(Boolean) ?? []
  const isEnded = ofJob.some((line) => line.includes('CANCELLED AT'))
  return isEnded ? (writtenReasons[reason?.trim() ?? ''] ?? 'CANCELLED') : undefined
}

// A user may have removed the log.
function readTail(path: string): string {
  if (!existsSync(path)) return ''
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const tail = Buffer.alloc(Math.min(size, maxTail))
    readSync(file, tail, 0, tail.length, size - tail.length)
    return tail.toString()
  } finally {
    closeSync(file)
  }
}

/** What slurmstepd writes into the output of a job, by the state of the job. */
const writtenReasons: Readonly<Record<string, string>> = {
  'TIME LIMIT': 'TIMEOUT',
  PREEMPTION: 'PREEMPTED',
  'NODE FAILURE': 'NODE_FAIL',
}

/** Records the job of a run, so that it is found when Slurm has forgotten it. */
export async function recordJob(id: string, job: KnownJob): Promise<void> {
  await writeDurably(layout.run(id, 'slurm'), JSON.stringify(job))
}

/** What is known of the job of a run. */
export async function knownJob(id: string): Promise<KnownJob | undefined> {
  return parsed<KnownJob>(await readFile(layout.run(id, 'slurm'), 'utf8').catch(() => ''))
}

async function finalJob(id: string): Promise<SlurmJob | undefined> {
  const job = await knownJob(id)
  return job?.state === undefined ? undefined : (job as SlurmJob)
}

/**
 * What Slurm says of one job now; `squeue` would list all of them. `undefined` when it does not have the job any more.
 *
 * @throws The error of the command when the controller does not answer.
 */
export async function askForJob(id: string): Promise<SlurmJob | undefined> {
  const known = await knownJob(id)
  if (known?.jobId === undefined) return undefined
  const shown = await runSlurm('scontrol', ['--oneliner', 'show', 'job', known.jobId]).catch((error) => {
    if (isSilent(error)) throw error
    return ''
  })
  const [, state] = /\bJobState=(\S+)/.exec(shown) ?? []
  const [, reason = 'None'] = /\bReason=(\S+)/.exec(shown) ?? []
  const [, end] = /\bEndTime=(\S+)/.exec(shown) ?? []
  return state === undefined
    ? undefined
    : keepFinal(id, { jobId: known.jobId, state, reason, endedAt: timeOf(end) })
}

async function listedJob(run: SubmittedRun): Promise<SlurmJob | 'submitted' | undefined> {
  const { id, startedAt, starter } = run
  const { jobs, answeredAt } = await currentListing()
  const job = jobs[id]
  if (job) return job
  const known = await knownJob(id)
  if (known?.isForgotten) return undefined
  const submittedAt = known?.submittedAt
  // Its starter copies files, or calls "sbatch"; or it was killed then, and the job may exist nevertheless.
  if (submittedAt === undefined && (await isAlive(starter))) return 'submitted'
  // The list is older than the job, or Slurm does not answer.
  if (answeredAt < (submittedAt ?? Date.parse(startedAt)) + commandMs) return 'submitted'
  return accountedJob(run)
}

/** A job that the controller has forgotten; only clusters with accounting know it. */
async function accountedJob({ id, startedAt }: SubmittedRun): Promise<SlurmJob | undefined> {
  const format = ['--noheader', '--parsable2', '--allocations', '--format=JobID,State,Reason,End']
  const dayBefore = new Date(Date.parse(startedAt) - 86_400_000).toISOString().slice(0, 10)
  const args = [...format, `--name=${jobName(id)}`, `--starttime=${dayBefore}`]
  const listed = await runSlurm('sacct', args).catch(() => undefined)
  const [jobId, state = '', reason = 'None', end] = listed?.trim().split('\n').at(-1)?.split('|') ?? []
  if (!jobId) {
    const isLate = Date.now() - Date.parse(startedAt) > accountsMs
    if (listed !== undefined || isLate) await keepForgotten(id)
    return undefined
  }
  // "CANCELLED by 1000".
  return keepFinal(id, { jobId, state: state.split(' ')[0]!, reason, endedAt: timeOf(end) })
}

async function keepForgotten(id: string): Promise<void> {
  await recordJob(id, { ...(await knownJob(id)), isForgotten: true }).catch(() => undefined)
}

// On a full disk, Slurm is asked again.
async function keepFinal(id: string, job: SlurmJob): Promise<SlurmJob> {
  if (isFinalState(job.state) && !(await finalJob(id))) await recordJob(id, job).catch(() => undefined)
  return job
}

/** What this process has heard last: on a full disk, it cannot tell others. */
let latest: JobListing | undefined

async function currentListing(): Promise<JobListing> {
  const early = latest && isCurrent(latest) ? latest : await readListing()
  if (isCurrent(early)) return early
  const update = async (): Promise<JobListing> => {
    const listing = await readListing()
    // Another agent has asked meanwhile.
    return isCurrent(listing) ? listing : updateListing(listing.askedAt === 0 ? (latest ?? listing) : listing)
  }
  latest = await withFileLock(layout.slurmJobs, update).catch(update)
  return latest
}

// The clock may have been set back.
function isCurrent({ askedAt }: JobListing): boolean {
  return Math.abs(Date.now() - askedAt) < listingMs
}

async function updateListing(before: JobListing): Promise<JobListing> {
  const askedAt = Date.now()
  const format = ['--noheader', '--states=all', '--format=%j|%i|%T|%e|%r', `--user=${userInfo().uid}`]
  const answer = await runSlurm('squeue', format, squeueMs).catch(() => undefined)
  // While the controller is restarted, what is known stays.
  const listing =
    answer === undefined
      ? { ...before, askedAt: Date.now() }
      : { askedAt, answeredAt: askedAt, jobs: jobsIn(answer) }
  for (const [id, job] of Object.entries(listing.jobs))
    if (existsSync(layout.run(id))) await keepFinal(id, job)
  await writeAtomically(layout.slurmJobs, JSON.stringify(listing)).catch(() => undefined)
  return listing
}

function jobsIn(answer: string): Record<string, SlurmJob> {
  const jobs: Record<string, SlurmJob> = {}
  for (const line of answer.split('\n')) {
    const [name = '', jobId = '', state = '', end, reason = 'None'] = line.split('|')
    if (name.startsWith(namePrefix))
      jobs[name.slice(namePrefix.length)] = { jobId, state, reason, endedAt: timeOf(end) }
  }
  return jobs
}

async function readListing(): Promise<JobListing> {
  const text = await readFile(layout.slurmJobs, 'utf8').catch(() => '')
  return parsed<JobListing>(text) ?? { askedAt: 0, answeredAt: 0, jobs: {} }
}

function parsed<T>(text: string): T | undefined {
  try {
    const value = JSON.parse(text)
    return isMapping(value) ? (value as T) : undefined
  } catch {
    return undefined
  }
}

// In the time zone of this host; "N/A" and "Unknown" for a job that has not ended.
function timeOf(text = ''): string | undefined {
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}
