import { createHash } from 'node:crypto'
import { dump, dumpAll } from '../document/write/dump.js'
import type { Registry } from '../registry/registry.js'
import type { Runnable } from '../runnable/runnable.js'

/** What the text of a task depends on besides the task. */
export interface TaskTextOptions {
  /** The extensions of the run. */
  readonly extensions?: Readonly<Record<string, string>>
  /** Whose tags are written; the one that the task was made with when absent. */
  readonly registry?: Registry
}

/** A task as it travels: the runnable file that is this task, extensions first. */
export function taskText(
  task: Runnable<unknown, any>,
  { extensions = {}, registry }: TaskTextOptions = {},
): string {
  const all = { ...extensions, ...task.extensions }
  const options = registry ? { registry } : {}
  return Object.keys(all).length === 0 ? dump(task, options) : dumpAll([all, task], options)
}

/** What tells a task from another one: the hash of its text. */
export function keyOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
