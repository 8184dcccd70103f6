import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readSafely } from '../util/thrown.js'
import type { TaskMessage } from './engine.js'
import { taskFileName, taskKey } from './task-file.js'

type NamedTask = Pick<TaskMessage, 'id' | 'key' | 'text'>

/** The name of what belongs to one task: another pool, or a later run, may have another task with the same id. */
export function ownName({ id, key, text }: NamedTask): string {
  return `${taskFileName(id)}-${key ?? taskKey(text)}`
}

/**
 * The paths, in one folder, of what belongs to one task each, such as its log.
 */
export class OwnPaths {
  #earlier: ReadonlyMap<string, string> | undefined

  constructor(
    readonly folder: string,
    readonly extension = '',
  ) {}

  /** The path for a task. It stays the same when the task is a trial that had another number in an earlier run. */
  of(task: NamedTask): string {
    const path = join(this.folder, `${ownName(task)}${this.extension}`)
    if (task.key === undefined || existsSync(path)) return path
    const earlier = this.#earlierNames().get(`${task.key}${this.extension}`)
    return earlier === undefined ? path : join(this.folder, earlier)
  }

  // Read once: in this run, a trial keeps its number.
  #earlierNames(): ReadonlyMap<string, string> {
    this.#earlier ??= new Map(
      readSafely(() => readdirSync(this.folder), [])
        .toSorted()
        .reverse()
        .map((name) => [name.slice(name.lastIndexOf('-') + 1), name]),
    )
    return this.#earlier
  }
}
