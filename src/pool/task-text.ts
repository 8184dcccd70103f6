import { dump, dumpAll } from '../document/write/dump.js'
import type { Runnable } from '../runnable/runnable.js'

/** A task as it travels: the runnable file that is this task, extensions first. */
export function taskText(
  task: Runnable<unknown, any>,
  extensions: Readonly<Record<string, string>> = {},
): string {
  const all = { ...extensions, ...task.extensions }
  return Object.keys(all).length === 0 ? dump(task) : dumpAll([all, task])
}
