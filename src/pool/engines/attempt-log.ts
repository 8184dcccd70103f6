import { formatDuration } from '../../records/format.js'
import type { Ended, Engine, TaskMessage, TaskNews, Watch } from '../engine.js'
import { thisHost } from './attempt.js'
import type { TaskOutputSink } from './output-sink.js'

/** What the log of a task says of one attempt, besides what the task prints: its beginning, what it logs, and its end. */
export class AttemptLog {
  #startedAt: number | undefined

  constructor(
    readonly task: TaskMessage,
    readonly sink: TaskOutputSink,
  ) {}

  /** Writes the line above the output of the attempt, once. */
  begin(host = thisHost): void {
    if (this.#startedAt !== undefined) return
    this.#startedAt = performance.now()
    const { attempt, resume, seed } = this.task
    const how = `attempt ${attempt}${resume ? ', which goes on,' : ''} on ${host} with seed ${seed}`
    this.#note(`--- ${new Date().toISOString()} ${how}`)
  }

  onNews(news: TaskNews): void {
    if (news.type === 'started') this.begin(news.host)
    else if (news.type === 'log') this.#note(`${timeOfDay()} ${news.level.padEnd(5)} ${news.text}`)
  }

  /** Writes why the attempt has ended. Does nothing for one that has not begun. */
  end(attempt: Ended): void {
    if (this.#startedAt === undefined) return
    const took = formatDuration(performance.now() - this.#startedAt)
    const how = attempt.ok
      ? 'done'
      : attempt.reason === 'failed'
        ? `failed: ${attempt.error.stack}`
        : attempt.error.message
    this.#note(`--- ${new Date().toISOString()} after ${took}: ${how}`, true)
  }

  #note(text: string, isLast = false): void {
    this.sink.note?.(`${text}\n`, this.task.id, isLast)
  }
}

function timeOfDay(): string {
  return new Date().toISOString().slice(11, 19)
}

/** Keeps logs of the tasks of an engine that passes on what they log, but not what they print as they do. */
export class LoggedEngine implements Engine {
  constructor(
    readonly engine: Engine,
    readonly sink: TaskOutputSink,
  ) {}

  get capacity(): number {
    return this.engine.capacity
  }

  get slots(): number | undefined {
    return this.engine.slots
  }

  async run(task: TaskMessage, watch: Watch): Promise<Ended> {
    const log = new AttemptLog(task, this.sink)
    const onNews = (news: TaskNews): void => {
      log.onNews(news)
      watch.onNews(news)
    }
    const attempt = await this.engine.run(task, Object.create(watch, { onNews: { value: onNews } }))
    if (!attempt.ok && attempt.output) this.sink.note?.(attempt.output, task.id)
    log.end(attempt)
    return attempt
  }

  close(): Promise<void> {
    return this.engine.close()
  }
}
