import type { SharedSecrets } from '../../runnable/secrets/shared-secrets.js'
import type { Ended, TaskMessage, TaskNews } from '../engine.js'
import type { PackedError } from '../packed-error.js'
import { isEnded, isPackedError, isRecord, isTaskNews } from '../received.js'

/** What a worker process is told. */
export type ToWorker =
  | { readonly type: 'setup'; readonly setup: WorkerSettings }
  | { readonly type: 'run'; readonly task: TaskMessage }
  | { readonly type: 'cancel'; readonly task: TaskMessage['id'] }

/** The setup of a worker, as it travels. */
export interface WorkerSettings {
  readonly imports: readonly string[]
  readonly folder: string
  /** What the worker writes into its output behind that of a task. */
  readonly mark: string
  readonly extensions: Readonly<Record<string, string>>
  readonly secrets?: SharedSecrets
}

/** What a worker process tells. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'unfit'; readonly error: PackedError }
  | { readonly type: 'news'; readonly news: TaskNews }
  | {
      readonly type: 'ended'
      readonly ended: Ended
      readonly ms: number
      /** Whether standard output and standard error have a mark behind what the task printed. */
      readonly marked: readonly boolean[]
    }

/** Whether a value is a message of a worker. */
export function isFromWorker(value: unknown): value is FromWorker {
  if (!isRecord(value)) return false
  const { type, error, news, ended, ms, marked } = value
  if (type === 'news') return isTaskNews(news)
  if (type === 'ended') return isEnded(ended) && typeof ms === 'number' && Array.isArray(marked)
  return type === 'ready' || (type === 'unfit' && isPackedError(error))
}
