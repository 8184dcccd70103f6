import type { Readable } from 'node:stream'
import { type Deferred, deferred } from '../../../util/concurrency.js'
import type { AttemptLog } from '../attempt-log.js'
import { LineBuffer, type TaskOutputSink } from '../output-sink.js'

/** How many of the last characters of a task are kept. */
const maxKeptLength = 64 * 1024

/** The output of one task on both streams, in the order of arrival. */
class TaskOutput {
  #text = ''
  #openStreams = 2
  #complete: Deferred<void> | undefined

  constructor(
    readonly id: string,
    readonly number: number,
    readonly log: AttemptLog | undefined,
  ) {}

  add(line: string): void {
    // Its first line may arrive before the message that the task before has ended.
    this.log?.begin()
    this.#text += line
    if (this.#text.length > 2 * maxKeptLength) this.#text = this.#text.slice(-maxKeptLength)
  }

  closeStream(): void {
    if (--this.#openStreams === 0) this.#complete?.resolve()
  }

  /** Settles when all of the output has been read; `undefined` when it has been. */
  get complete(): Promise<void> | undefined {
    if (this.#openStreams === 0) return undefined
    this.#complete ??= deferred()
    return this.#complete.promise
  }

  get text(): string {
    if (this.#text === '') return ''
    return Buffer.from(this.#text.slice(-maxKeptLength), 'latin1').toString()
  }
}

/** One output stream of a worker. The worker writes marks into it, which separate the output of its tasks. */
class MarkedStream {
  readonly #lines = new LineBuffer()
  /** The tasks whose output is not complete, in the order in which they run. */
  readonly #tasks: TaskOutput[] = []
  /** The numbers of tasks that ended without a mark, as they printed nothing here. */
  readonly #silent = new Set<number>()

  constructor(
    readonly stream: Readable,
    readonly mark: string,
    readonly sink: TaskOutputSink,
  ) {
    stream.on('data', (chunk: Buffer) => this.#onLines(this.#lines.add(chunk)))
    stream.on('error', () => {})
    stream.once('close', () => this.close())
  }

  add(task: TaskOutput): void {
    this.#tasks.push(task)
  }

  taskEnded(number: number, isMarked: boolean): void {
    if (isMarked) return
    this.#silent.add(number)
    this.#closeSilent()
  }

  /** Ends the output of all tasks. */
  close(): void {
    this.#onLines(this.#lines.flush())
    for (const task of this.#tasks.splice(0)) task.closeStream()
  }

  #onLines(lines: string): void {
    let rest = lines
    for (let start = rest.indexOf(this.mark); start >= 0; start = rest.indexOf(this.mark)) {
      const end = rest.indexOf('\n', start) + 1 || rest.length
      // A mark is at the end of its line, perhaps after text without a line break.
      const before = rest.slice(0, start)
      this.#forward(before === '' || before.endsWith('\n') ? before : `${before}\n`)
      this.#closeUntil(Number(rest.slice(start + this.mark.length, end)))
      rest = rest.slice(end)
    }
    this.#forward(rest)
  }

  #closeUntil(number: number): void {
    while (this.#tasks[0] && this.#tasks[0].number <= number) this.#tasks.shift()!.closeStream()
    this.#closeSilent()
  }

  #closeSilent(): void {
    while (this.#tasks[0] && this.#silent.delete(this.#tasks[0].number)) this.#tasks.shift()!.closeStream()
  }

  // Back-pressure: a worker waits when it prints faster than its output is read.
  #forward(lines: string): void {
    if (lines === '') return
    const [task] = this.#tasks
    task?.add(lines)
    const written = this.sink.print(lines, task?.id)
    if (!written) return
    this.stream.pause()
    void written.then(() => this.stream.resume())
  }
}

/** Forwards the output of a worker with the task of each line, and keeps the last output of each task. */
export class WorkerOutput {
  readonly #streams: readonly MarkedStream[]
  readonly #tasks = new Map<number, TaskOutput>()
  #added = 0
  #endedCount = 0

  constructor(streams: readonly Readable[], mark: string, sink: TaskOutputSink) {
    this.#streams = streams.map((stream) => new MarkedStream(stream, mark, sink))
  }

  /** Adds a task, which will run after those before it. */
  add(id: string, log: AttemptLog | undefined): void {
    const task = new TaskOutput(id, ++this.#added, log)
    this.#tasks.set(task.number, task)
    for (const stream of this.#streams) stream.add(task)
  }

  /** The last output of the oldest task; a promise while it has not arrived. */
  taskEnded(marked: readonly boolean[]): string | Promise<string> {
    const number = ++this.#endedCount
    const task = this.#tasks.get(number)!
    this.#tasks.delete(number)
    for (const [index, stream] of this.#streams.entries()) stream.taskEnded(number, marked[index] ?? false)
    const { complete } = task
    return complete ? complete.then(() => task.text) : task.text
  }

  /** Ends the output, as the worker has exited. Returns the last output of the oldest task. */
  close(): string {
    for (const stream of this.#streams) stream.close()
    return this.#tasks.get(this.#endedCount + 1)?.text ?? ''
  }
}
