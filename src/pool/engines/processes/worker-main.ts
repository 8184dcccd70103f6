// The program of a worker process: runs one task after the other for its parent, and ends when its parent does.
import { AsyncLocalStorage } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { maskOutput, redactorFor } from '../../../runnable/secrets/mask.js'
import { deserializeSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { printable } from '../../../util/printable.js'
import { signalGroup } from '../../../util/process.js'
import { isNode } from '../../../util/runtime.js'
import { stackOf } from '../../../util/thrown.js'
import { Cancellation } from '../../cancellation.js'
import type { Ended, TaskMessage, TaskNews } from '../../engine.js'
import { packError } from '../../serialize.js'
import { type PreparedWorker, prepareWorker, runAttempt } from '../attempt.js'
import { Channel, type FromWorker, openChannel, type ToWorker, type WorkerSettings } from './messages.js'
import { useBlockingStreams } from './other-runtimes.js'

class WorkerProgram {
  #worker: PreparedWorker | undefined
  /** The task that runs, and the prefetched ones. */
  readonly #inFlight: InFlightTask[] = []
  readonly #startFolder = process.cwd()
  readonly #output = new OutputMarker()
  /** The most that it may use, in bytes; 0 when that is not limited. */
  #memory = 0
  readonly #channel: Channel<ToWorker, FromWorker>

  constructor() {
    const stream = openChannel()
    const isMessage = (_value: unknown): _value is ToWorker => true
    this.#channel = new Channel(stream, { isMessage, onMessage: (message) => this.#onMessage(message) })
    // Processes that tasks have started end with their worker.
    stream.on('close', () => process.on('exit', () => signalGroup(process.pid, 'SIGKILL')).exit())
    endWithParent()
    surviveLateErrors((task) => this.#isRunning(task))
  }

  #isRunning(task: TaskMessage): boolean {
    return this.#inFlight[0]?.task === task
  }

  #onMessage(message: ToWorker): void {
    if (message.type === 'setup') void this.#prepare(message.setup)
    else if (message.type === 'run') this.#enqueue(message.task)
    else this.#inFlight.find(({ task }) => task.id === message.task)?.cancellation.cancel()
  }

  async #prepare({ secrets: shared, mark, memory, ...setup }: WorkerSettings): Promise<void> {
    this.#output.mark = mark
    this.#memory = memory
    try {
      const secrets = shared && deserializeSecrets(shared)
      if (secrets) maskOutput(redactorFor(secrets))
      this.#worker = await prepareWorker({ ...setup, secrets, registry: undefined })
      this.#channel.post({ type: 'ready' })
    } catch (thrown) {
      this.#channel.post({ type: 'unfit', error: packError(thrown) })
    }
  }

  #enqueue(task: TaskMessage): void {
    if (this.#inFlight.push({ task, cancellation: new Cancellation() }) === 1) void this.#runAll()
  }

  async #runAll(): Promise<void> {
    for (let [next] = this.#inFlight; next; [next] = this.#inFlight) {
      const startedAt = performance.now()
      this.#output.begin()
      // The task before may have changed it.
      if (process.cwd() !== this.#startFolder) process.chdir(this.#startFolder)
      const attempt = await this.#run(next)
      this.#inFlight.shift()
      const marked = this.#output.end()
      if (this.#memory > 0) collectGarbage(this.#memory)
      this.#channel.post({ type: 'ended', ended: attempt, ms: performance.now() - startedAt, marked })
    }
  }

  #run({ task, cancellation }: InFlightTask): Promise<Ended> {
    const onNews = (news: TaskNews): void => {
      // News of a task that has ended would be taken for that of the next one.
      if (this.#isRunning(task)) this.#channel.post({ type: 'news', news })
    }
    const watch = { signal: cancellation.signal, onNews }
    return currentTask.run(task, () => runAttempt(task, this.#worker!, watch))
  }
}

let collect: (() => void) | undefined

/** Frees what earlier tasks have left, when it is much: it would count as memory of the next one. */
function collectGarbage(limit: number): void {
  if (!isNode || process.memoryUsage.rss() < limit / 2) return
  setFlagsFromString('--expose-gc')
  collect ??= runInNewContext('gc') as () => void
  collect()
}

/** A task that runs, or was prefetched. */
interface InFlightTask {
  readonly task: TaskMessage
  readonly cancellation: Cancellation
}

/** The standard streams of a worker, which marks in them where the output of a task ends. */
class OutputMarker {
  readonly #streams = [process.stdout, process.stderr]
  /** The functions of Node: a module of the user may replace them. */
  readonly #write = this.#streams.map((stream) => stream.write.bind(stream))
  #before: readonly number[] = []
  #number = 0
  mark = ''

  constructor() {
    // A full pipe blocks the task, so that its last output is not lost when it ends its process.
    for (const stream of this.#streams)
      (stream as unknown as { _handle?: { setBlocking?(blocking: boolean): void } })._handle?.setBlocking?.(
        true,
      )
  }

  begin(): void {
    this.#number++
    this.#before = this.#bytes()
  }

  /** Marks the end of the task on each stream that it printed on; returns which these are. */
  end(): boolean[] {
    const bytes = this.#bytes()
    return this.#write.map((write, index) => {
      const printed = bytes[index] !== this.#before[index]
      if (printed) write(`${this.mark}${this.#number}\n`)
      return printed
    })
  }

  #bytes(): number[] {
    return this.#streams.map((stream) => (stream as unknown as { bytesWritten: number }).bytesWritten)
  }
}

/** Identifies the task that a promise or a timer belongs to. */
const currentTask = new AsyncLocalStorage<TaskMessage>()

/**
 * Prints an error that a task throws after its end, in a promise or a timer that it left behind, with the name of the
 * task: it must not end the process, and with it another task. Any other uncaught error ends the process as usual.
 */
function surviveLateErrors(isRunning: (task: TaskMessage) => boolean): void {
  const survive = (thrown: unknown): void => {
    const task = currentTask.getStore()
    if (task && !isRunning(task)) printLateError(task, thrown)
    // Another listener decides what happens then.
    else if (process.listenerCount('uncaughtException') === 1) exitWith(thrown)
  }
  process.on('uncaughtException', survive)
  process.on('unhandledRejection', (reason) => {
    if (process.listenerCount('unhandledRejection') === 1) survive(reason)
  })
}

function exitWith(thrown: unknown): never {
  console.error(stackOf(thrown))
  process.exit(1)
}

function printLateError({ id }: TaskMessage, thrown: unknown): void {
  console.error(printable(`Task "${id}" threw an error after its end: ${stackOf(thrown)}`))
}

// Runs in a thread: the main thread does nothing else while a task computes.
const watcherProgram = `
const { parent } = require('node:worker_threads').workerData
setInterval(() => { if (process.ppid !== parent) process.kill(-process.pid, 'SIGKILL') }, 1000)
`

/** Kills this process and its group within two seconds after its parent was killed. */
function endWithParent(): void {
  const workerData = { parent: process.ppid }
  const thread = new Worker(watcherProgram, { eval: true, workerData, stderr: true })
  thread.on('error', () => {})
  thread.unref()
}

if (!isNode) useBlockingStreams()
new WorkerProgram()
