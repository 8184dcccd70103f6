/**
 * What `run()` of a task is given besides the usual, when a pool runs it; alone it is given none of these.
 *
 * ```ts
 * class Train extends Runnable<number, TaskOptions> {
 *   run({ progress }: RunOptions & TaskOptions) {
 *     progress?.({ epoch: 1, loss: 0.3 })
 *   }
 * }
 * ```
 */
export interface TaskOptions {
  /** Tells whoever maps how far the task is: any JSON value. */
  readonly progress?: (value: unknown) => void
  /** The id of the task in its pool. */
  readonly taskId?: string
  /**
   * The path of a folder of the task's own on the host where it runs, `tasks/ID` in the folder of the pool. It is made when it is
   * first read here. The current folder is that of all tasks of a worker.
   */
  readonly folder?: string
  /** Counts from 1; more when earlier attempts failed. */
  readonly attempt?: number
}
