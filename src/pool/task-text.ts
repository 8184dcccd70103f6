import { dump, dumpAll } from '../document/write/dump.js'
import { defaultRegistry } from '../registry/default-registry.js'
import type { Registry } from '../registry/registry.js'
import type { Runnable } from '../runnable/runnable.js'

/** What the text of a task depends on besides the task. */
export interface TaskTextOptions {
  /** The extensions of the run. */
  readonly extensions?: Readonly<Record<string, string>>
  readonly registry?: Registry
}

/** A task as it travels: the runnable file that is this task, extensions first. */
export function taskText(
  task: Runnable<unknown, any>,
  { extensions = {}, registry = defaultRegistry }: TaskTextOptions = {},
): string {
  const all = { ...extensions, ...task.extensions }
  return Object.keys(all).length === 0 ? dump(task, { registry }) : dumpAll([all, task], { registry })
}
