import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Logger } from '../logger.js'
import { redactorFor } from '../runnable/secrets/mask.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import { explainWriteError } from '../util/file-error.js'
import { writeAllSync } from '../util/write-sync.js'
import type { TaskMessage } from './engine.js'
import type { TaskOutputSink } from './engines/output-sink.js'
import { OwnPaths } from './own-paths.js'
import { taskFileName } from './task-file.js'

interface TaskLogOptions {
  readonly folder: string
  readonly secrets: SecretsConfig | undefined
  readonly logger: Logger
  /** Where the output goes besides. */
  readonly next: TaskOutputSink
}

/** How many paths are kept of tasks that have ended: on a cluster, their last output may arrive after their result. */
const maxPaths = 10_000

/**
 * Writes `logs/ID-KEY.log` in the folder of a pool: what each task prints and logs, and how each attempt began and ended. What arrives is
 * written at once, so that nothing is kept in memory, and a task waits for a slow disk.
 */
export class TaskLogs implements TaskOutputSink {
  readonly #files = new Map<string, number>()
  readonly #paths = new Map<string, string>()
  readonly #ownPaths: OwnPaths
  #isBroken = false

  constructor(readonly options: TaskLogOptions) {
    this.#ownPaths = new OwnPaths(join(options.folder, 'logs'), '.log')
  }

  get isFull(): boolean {
    return this.options.next.isFull
  }

  /** Finds the file of a task before its attempt. */
  begin(task: TaskMessage): void {
    this.#paths.delete(task.id)
    this.#paths.set(task.id, this.#ownPaths.of(task))
    if (this.#paths.size <= maxPaths) return
    for (const id of this.#paths.keys()) {
      if (this.#files.has(id)) continue
      this.#paths.delete(id)
      break
    }
  }

  print(lines: string, task?: string): Promise<void> | undefined {
    if (task !== undefined) this.#write(task, Buffer.from(lines, 'latin1'))
    return this.options.next.print(lines, task)
  }

  note(text: string, task: string, isLast = false): void {
    this.#write(task, Buffer.from(text))
    if (isLast) this.#close(task)
  }

  /** Closes the files of tasks whose end is not known. */
  close(): void {
    for (const task of this.#files.keys()) this.#close(task)
  }

  // A pool whose results can be written goes on without logs.
  #write(task: string, bytes: Buffer): void {
    if (this.#isBroken) return
    try {
      writeAllSync(this.#fileOf(task), this.#masked(bytes))
    } catch (error) {
      this.#break(task, error)
    }
  }

  #break(task: string, error: unknown): void {
    if (this.#isBroken) return
    this.#isBroken = true
    const why = explainWriteError(error)
    this.options.logger.warn(`The logs of tasks cannot be written: "${this.#pathOf(task)}": ${why}`)
  }

  // Programs that a task starts do not mask what they print. Other encodings than UTF-8 stay as they are.
  #masked(bytes: Buffer): Uint8Array {
    const { secrets } = this.options
    if (!secrets) return bytes
    const text = bytes.toString()
    const masked = redactorFor(secrets)(text)
    return masked === text ? bytes : Buffer.from(masked)
  }

  #fileOf(task: string): number {
    const known = this.#files.get(task)
    if (known !== undefined) return known
    const path = this.#pathOf(task)
    mkdirSync(dirname(path), { recursive: true })
    // Only for its owner, as the files of failed tasks.
    const file = openSync(path, 'a', 0o600)
    this.#files.set(task, file)
    return file
  }

  #close(task: string): void {
    const file = this.#files.get(task)
    if (file === undefined) return
    this.#files.delete(task)
    // Over a network, only this may say that the disk is full.
    try {
      closeSync(file)
    } catch (error) {
      this.#break(task, error)
    }
  }

  #pathOf(task: string): string {
    return this.#paths.get(task) ?? join(this.options.folder, 'logs', `${taskFileName(task)}.log`)
  }
}
