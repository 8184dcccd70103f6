import { mkdir, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isTemporary } from '../../util/atomic-write.js'
import { mapLimited } from '../../util/concurrency.js'
import { clusterFolder, packagesFolder, runFolder, runsFolder } from '../protocol/layout.js'
import type { RunState, RunStatus } from '../protocol/messages.js'
import { isAlive, type ProcessIdentity } from './process-identity.js'

/** `spec.json`: what a run is; written before anything is started. */
export interface RunRecord {
  readonly id: string
  readonly cluster: string
  readonly file: string
  readonly packageHash: string
  readonly startedAt: string
  /** The process that starts the run: while it lives, a run without a supervisor is `starting`. */
  readonly starter: ProcessIdentity
}

/** `state.json`: the processes of a run. */
export interface RunProcesses {
  readonly supervisor: ProcessIdentity
  /** The leader of the process group of the run itself. */
  readonly runner?: ProcessIdentity
}

/** `exit.json`: how a run ended; written whole and last. */
interface RunExit {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly cancelled: boolean
  readonly endedAt: string
}

/** `cancel.json`: how a run is to end, for its supervisor. */
export interface Cancellation {
  /** How long it may clean up. */
  readonly graceMs: number
}

/** `losses.json`: what the disk had no room for. */
export interface RunLosses {
  /** The errno name of the first write to the log that failed. */
  readonly log?: string
  /** The same for the result. */
  readonly result?: string
}

/** What is written while a run is under way or over: a run may well fill the disk. */
export const reservedNames = ['state.json', 'exit.json', 'cancel.json', 'result.json', 'losses.json']

/** So many runs are looked at together: a process may have few files open at once. */
const maxConcurrency = 16

/** The files of secrets that go when a run is over: its own, and those that were put in place for the next run. */
export function secretsPaths(cluster: string, id: string): string[] {
  return [runFolder(id), clusterFolder(cluster)].map((folder) => join(folder, 'secrets.json'))
}

/** A JSON file of a run folder; nothing when it is not there. */
export async function readJson<T>(id: string, name: string): Promise<T | undefined> {
  const text = await readFile(join(runFolder(id), name), 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  return text === undefined ? undefined : JSON.parse(text)
}

/** How a run is doing; throws when there is none with this id in the cluster. */
export async function statusOf(cluster: string, id: string): Promise<RunStatus> {
  const facts = /^[\w-]+$/.test(id) ? await readJson<RunRecord>(id, 'spec.json') : undefined
  if (facts?.cluster !== cluster) throw Object.assign(new Error(id), { code: 'RUN_NOT_FOUND' })
  const early = await readJson<RunExit>(id, 'exit.json')
  const unended = early ? undefined : await currentState(facts)
  // It may have ended while its processes were looked at.
  const exit = early ?? (await readJson<RunExit>(id, 'exit.json'))
  const state = exit ? finalState(exit) : unended!
  const { file, startedAt } = facts
  const status = { id, cluster, state, file, startedAt, logSize: await sizeOfLog(id) }
  if (!exit) return status
  const { exitCode, signal, endedAt } = exit
  return { ...status, endedAt, ...(exitCode === null ? {} : { exitCode }), ...(signal ? { signal } : {}) }
}

function finalState({ exitCode, cancelled }: RunExit): RunState {
  if (cancelled) return 'cancelled'
  return exitCode === 0 ? 'succeeded' : 'failed'
}

async function currentState({ id, starter }: RunRecord): Promise<RunState> {
  const soFar = await readJson<RunProcesses>(id, 'state.json')
  if (!soFar && (await isAlive(starter))) return 'starting'
  // It ends as soon as the supervisor has begun: perhaps between the two looks.
  const processes = soFar ?? (await readJson<RunProcesses>(id, 'state.json'))
  if (!processes) return 'lost'
  const { supervisor, runner } = processes
  const alive = (await isAlive(supervisor)) || (runner !== undefined && (await isAlive(runner)))
  return alive ? 'running' : 'lost'
}

async function sizeOfLog(id: string): Promise<number> {
  return stat(join(runFolder(id), 'log')).then(
    ({ size }) => size,
    () => 0,
  )
}

/** The runs of a cluster, the latest first. */
export async function runsOf(cluster: string): Promise<RunStatus[]> {
  const names = await readdir(runsFolder).catch(() => [])
  const ids = names
    .filter((name) => !name.includes('.'))
    .sort()
    .reverse()
  const found = await mapLimited(ids, maxConcurrency, (id) => statusOf(cluster, id).catch(() => undefined))
  return found.filter((status) => status !== undefined)
}

export function isFinished(state: RunState): boolean {
  return state !== 'starting' && state !== 'running'
}

/** Takes away secrets that a run which is over has left: its supervisor could not. */
export async function removeStaleSecrets(cluster: string): Promise<void> {
  for (const { id, state } of await runsOf(cluster))
    if (isFinished(state)) await rm(join(runFolder(id), 'secrets.json'), { force: true })
}

/** Of what was on its way in when its host or its sender ended, nobody knows any more; it is old when this long at rest. */
const staleMs = { [runsFolder]: 3_600_000, [packagesFolder]: 86_400_000 }

/** Takes away what only arrived in part. */
export async function removeStaleTransfers(): Promise<void> {
  for (const [folder, ms] of Object.entries(staleMs))
    for (const name of await readdir(folder).catch(() => []))
      if (isTemporary(name) && (await ageOf(join(folder, name))) > ms)
        await rm(join(folder, name), { recursive: true, force: true })
}

async function ageOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  return found ? Date.now() - found.mtimeMs : 0
}

interface Claim {
  readonly number: number
  readonly id: string
}

/** The run that is under way in a cluster; nothing when there is none, or it is over. */
export async function activeRun(cluster: string): Promise<string | undefined> {
  const last = await lastClaim(cluster)
  return last && (await isUnderWay(cluster, last.id)) ? last.id : undefined
}

/** Tells who asked that another run has the cluster. */
export function runActiveError(id: string): Error {
  return Object.assign(new Error(id), { code: 'RUN_ACTIVE' })
}

/** Whether a run is the last that took the cluster. */
export async function holdsCluster(cluster: string, id: string): Promise<boolean> {
  return (await lastClaim(cluster))?.id === id
}

/**
 * Takes the cluster for a run; answers with the run that has it, if another one has.
 *
 * Each run claims the next number, and may do so when the run with the last one is over. A claim is a link with the
 * run's id as its target: of many who make the same one, just one succeeds, and it is never there without its id.
 */
export async function claimCluster(cluster: string, id: string): Promise<string | undefined> {
  await mkdir(claimsOf(cluster), { recursive: true, mode: 0o700 })
  for (;;) {
    const last = await lastClaim(cluster)
    if (last && (await isUnderWay(cluster, last.id))) return last.id
    const next = join(claimsOf(cluster), String((last?.number ?? 0) + 1))
    const taken = await symlink(id, next).then(
      () => true,
      (error) => {
        if (error.code !== 'EEXIST') throw error
        return false
      },
    )
    if (taken) return undefined
  }
}

function claimsOf(cluster: string): string {
  return join(clusterFolder(cluster), 'claims')
}

async function lastClaim(cluster: string): Promise<Claim | undefined> {
  const names = await readdir(claimsOf(cluster)).catch(() => [])
  if (names.length === 0) return undefined
  const number = Math.max(...names.map(Number))
  return { number, id: await readlink(join(claimsOf(cluster), String(number))) }
}

async function isUnderWay(cluster: string, id: string): Promise<boolean> {
  const status = await statusOf(cluster, id).catch(() => undefined)
  return status !== undefined && !isFinished(status.state)
}
