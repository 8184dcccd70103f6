import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { format } from 'node:util'
import { SafeExecutionContext } from '../runnable/context.js'
import type { Logger } from '../runnable/logger.js'
import type { PreparedExtensions } from '../runnable/prepared-extensions.js'
import { runOptions } from '../runnable/run-options.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import type { LogLevel, TaskMessage, TaskNews } from './engine.js'
import { fileNameOf } from './file-name.js'

/** What surrounds a task in its worker. */
export interface TaskSurroundings {
  readonly signal: AbortSignal
  readonly tell: (news: TaskNews) => void
  readonly secrets?: SecretsConfig | undefined
  readonly extensions: PreparedExtensions
  /** The folder of the pool. */
  readonly folder: string
}

/** Constructs the runnable of a task in this process, and runs it. */
export async function runTask(
  { id, attempt, text }: TaskMessage,
  { signal, tell, secrets, extensions, folder }: TaskSurroundings,
): Promise<unknown> {
  const file = { content: text, filename: `task ${id}` }
  const context = new SafeExecutionContext(file, { preparedExtensions: extensions })
  const { runnable } = await context.preprocess(secrets ? { secrets } : {})
  const progress = (value: unknown): void => {
    // What cannot be sent is the task's mistake, not its worker's end.
    JSON.stringify(value)
    tell({ type: 'progress', value })
  }
  const options = runOptions({ signal, logger: loggerThatTells(tell) })
  const own = join(resolve(folder), 'tasks', fileNameOf(id))
  const given = {
    ...options,
    progress,
    taskId: id,
    attempt,
    // Most tasks need none.
    get folder() {
      mkdirSync(own, { recursive: true })
      return own
    },
  }
  return runnable.run(given)
}

function loggerThatTells(tell: (news: TaskNews) => void): Logger {
  const at =
    (level: LogLevel) =>
    (...message: unknown[]): void =>
      tell({ type: 'log', level, text: format(...message) })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
