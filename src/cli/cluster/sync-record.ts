import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ReconnectOptions } from '../../cluster/run/reconnect.js'
import type { RemoteRun, RunEnd } from '../../cluster/run/remote-run.js'
import { isFlambeauError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { OutputLock } from '../../pool/output-lock.js'
import { eventNow, type RunEnded, type RunListener } from '../../records/events.js'
import { Recording } from '../../records/recording.js'
import { readRecord } from '../../records/runs.js'

/** Copies what is heard of a run on a cluster into its record. Only one process does so at a time. */
export class RecordSync {
  private constructor(
    readonly recording: Recording,
    readonly lock: OutputLock,
  ) {}

  /** Continues a record; returns nothing while another process does. */
  static async open(folder: string, logger: Logger): Promise<RecordSync | undefined> {
    const record = await readRecord(folder)
    if (record.endedAt !== undefined) return undefined
    const lock = await OutputLock.acquire(folder).catch((error: unknown) => {
      if (isFlambeauError(error) && error.code === 'OUTPUT_IN_USE') return undefined
      throw error
    })
    return lock && new RecordSync(Recording.resume(folder, record, logger), lock)
  }

  async close(): Promise<void> {
    await this.recording.close()
    await this.lock.release()
  }
}

/** Brings the record of a run on a cluster up to date. */
export async function syncRecord(folder: string, run: RemoteRun, logger: Logger): Promise<void> {
  const sync = await RecordSync.open(folder, logger)
  if (!sync) return
  try {
    const status = await run.status()
    await copyRun({ run, recording: sync.recording, onEvent: () => {}, options: {}, follow: false })
    const isOver = status.state !== 'starting' && status.state !== 'running'
    if (isOver) sync.recording.onEvent(endEvent(await run.wait()))
  } finally {
    await sync.close()
  }
}

/** What is copied of a run, and where. */
interface CopiedRun {
  readonly run: RemoteRun
  readonly recording: Recording
  readonly onEvent: RunListener
  readonly options: ReconnectOptions
  readonly follow: boolean
}

async function copyRun({ run, recording, onEvent, options, follow }: CopiedRun): Promise<void> {
  const offset = await stat(join(recording.folder!, 'log.txt')).then(
    ({ size }) => size,
    () => 0,
  )
  const copyLog = async (): Promise<void> => {
    for await (const chunk of run.logs({ ...options, follow, offset })) recording.onRemoteLog(chunk)
  }
  const copyEvents = async (): Promise<void> => {
    for await (const event of run.events({ ...options, follow })) {
      recording.onEvent(event)
      onEvent(event)
    }
  }
  await Promise.all([copyLog(), copyEvents()])
}

/** The event of the end of a run. */
export function endEvent(end: RunEnd, error?: string): RunEnded & { time: string } {
  const { state, exitCode, endedAt, value } = end
  const isDone = state === 'succeeded'
  const ended = {
    type: 'run.ended',
    state: state === 'succeeded' || state === 'cancelled' || state === 'lost' ? state : 'failed',
    exitCode: exitCode ?? (isDone ? 0 : 1),
    ...(value !== undefined && { value }),
    ...(!isDone && error !== undefined && { error }),
  } as const
  const event = eventNow(ended as RunEnded) as RunEnded & { time: string }
  return endedAt === undefined ? event : { ...event, time: endedAt }
}
