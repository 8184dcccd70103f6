import type { Ended, TaskMessage, TaskNews } from '../engine.js'
import type { PackedError } from '../packed-error.js'

/** What a worker process is told. */
export type ToWorker =
  | { readonly type: 'setup'; readonly setup: WorkerSettings }
  | { readonly type: 'run'; readonly task: TaskMessage }
  | { readonly type: 'cancel'; readonly task: TaskMessage['id'] }

/** The setup of a worker, as it travels. */
export interface WorkerSettings {
  readonly imports: readonly string[]
  readonly folder: string
  readonly extensions: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** What a worker process tells. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'unfit'; readonly error: PackedError }
  | { readonly type: 'news'; readonly news: TaskNews }
  | { readonly type: 'ended'; readonly ended: Ended; readonly ms: number }
