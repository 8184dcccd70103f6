import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunStatus } from '../../cluster/protocol/messages.js'
import type { RemoteRun } from '../../cluster/run/remote-run.js'
import { isFlambeauError } from '../../errors.js'
import { OutputLock } from '../../pool/output-lock.js'
import { eventNow } from '../../records/events.js'
import { isEndState } from '../../records/record.js'
import { Recording } from '../../records/recording.js'
import { readRecord } from '../../records/runs.js'
import { maskData, redactorFor } from '../../runnable/secrets/mask.js'
import { unavailableCode } from '../../util/exit-codes.js'
import type { ClusterContext } from './cluster-context.js'
import { endEvent } from './follow.js'

/** A record, and what is needed to bring it up to date. */
interface SyncedRecord {
  /** The folder of the record. */
  readonly folder: string
  readonly context: Pick<ClusterContext, 'cluster' | 'logger'>
}

const pauseMs = 50
/** How long a process may take to write the end of a run that is over. */
const endMs = 10_000

/**
 * Takes the lock of a record, since only one process writes into it. Returns nothing when another process still has it after
 * `patienceMs`.
 */
export async function lockRecord(folder: string, patienceMs: number): Promise<OutputLock | undefined> {
  for (const start = performance.now(); ; await delay(pauseMs))
    try {
      return await OutputLock.acquire(folder)
    } catch (error) {
      if (!isFlambeauError(error) || error.code !== 'OUTPUT_IN_USE') throw error
      if (performance.now() - start >= patienceMs) return undefined
    }
}

/** Brings the record of a run on a cluster up to date: its log, its events, and its end. */
export async function syncRecord(run: RemoteRun, synced: SyncedRecord): Promise<void> {
  if ((await readRecord(synced.folder)).endedAt !== undefined) return
  const status = await run.status()
  // The process that follows a run writes its end as well.
  await updateRecord(synced, isEndState(status.state) ? endMs : 0, async (recording) => {
    const redact = redactorFor(synced.context.cluster.config)
    if (!isEndState(status.state))
      recording.onSubmitted({ isQueued: status.state === 'queued', waitsFor: status.waitsFor })
    await copyLog(run, status, recording)
    for await (const event of run.events()) recording.onEvent(maskData(event, redact))
    recording.keepRewritten()
    if (isEndState(status.state)) recording.onEvent(maskData(endEvent(await run.wait()), redact))
  })
}

/** Ends the record of a run that its cluster does not have: it was never started, or the cluster was taken down meanwhile. */
export async function endRecord({ folder, context }: SyncedRecord): Promise<void> {
  const { name } = context.cluster
  const error = `Cluster "${name}" does not have this run: it was never started there, or the cluster was taken down`
  await updateRecord({ folder, context }, 0, async (recording) => {
    const state = 'lost'
    recording.onEvent(eventNow({ type: 'run.ended', state, exitCode: unavailableCode, error }))
  })
}

async function updateRecord(
  { folder, context }: SyncedRecord,
  patienceMs: number,
  work: (recording: Recording) => Promise<void>,
): Promise<void> {
  const lock = await lockRecord(folder, patienceMs)
  if (!lock) return
  try {
    // Another process may have written the end before.
    const record = await readRecord(folder)
    if (record.endedAt === undefined) await writeTo(Recording.resume(folder, record, context.logger), work)
  } finally {
    await lock.release()
  }
}

async function writeTo(recording: Recording, work: (recording: Recording) => Promise<void>): Promise<void> {
  try {
    await work(recording)
  } finally {
    await recording.close()
  }
}

// What the host adds at the end of a log, about losses, is in no file there: it is copied with the end.
async function copyLog(run: RemoteRun, status: RunStatus, recording: Recording): Promise<void> {
  const offset = await sizeOf(join(recording.folder!, 'log.txt'))
  const most = isEndState(status.state) ? Number.POSITIVE_INFINITY : status.logSize - offset
  if (offset > status.logSize || most === 0) return
  let copied = 0
  for await (const chunk of run.logs({ offset })) {
    recording.onRemoteLog(chunk.subarray(0, most - copied))
    copied += Math.min(chunk.length, most - copied)
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
