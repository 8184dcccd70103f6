import { AsyncLocalStorage } from 'node:async_hooks'
import { Worker } from 'node:worker_threads'
import { maskOutput, redactorFor } from '../../../runnable/secrets/mask.js'
import { deserializeSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { printable } from '../../../util/printable.js'
import { signalGroup } from '../../../util/process.js'
import { stackOf } from '../../../util/thrown.js'
import { packError, type TaskMessage, type TaskNews } from '../../engine.js'
import { type PreparedWorker, prepareWorker, runAttempt } from '../attempt.js'
import { Channel, type FromWorker, openChannel, type ToWorker, type WorkerSettings } from './messages.js'

// The program of a worker process: takes one task after the other from its parent, and ends when its parent does.

/** The standard streams of a worker, which marks in them where the output of a task ends. */
class OutputMarker {
  readonly #streams = [process.stdout, process.stderr]
  /** As they are before a module of the user replaces them. */
  readonly #write = this.#streams.map((stream) => stream.write.bind(stream))
  #before: readonly number[] = []
  #number = 0
  mark = ''

  constructor() {
    // A pipe that is full makes a task wait; what it printed last is not lost when it ends its process.
    for (const stream of this.#streams)
      (stream as unknown as { _handle?: { setBlocking?(blocking: boolean): void } })._handle?.setBlocking?.(
        true,
      )
  }

  /** A task begins. */
  begin(): void {
    this.#number++
    this.#before = this.#bytes()
  }

  /** A task has ended: says on which streams it printed, each of which has a mark now. */
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

const currentTask = new AsyncLocalStorage<TaskMessage>()

/** Runs the work of a task, so that it is known of what it leaves behind whose it is. */
function runAsTask<T>(task: TaskMessage, work: () => Promise<T>): Promise<T> {
  return currentTask.run(task, work)
}

/**
 * Keeps what a task throws after its end, in a promise or a timer that it has left behind, from ending the process and
 * with it another task: it is printed with the name of the task. What the running task throws, or nobody knows whose it
 * is, ends the process as ever.
 */
function surviveLateErrors(isRunning: (task: TaskMessage) => boolean): void {
  const survive = (thrown: unknown): void => {
    const task = currentTask.getStore()
    if (task && !isRunning(task)) printLateError(task, thrown)
    // Whoever listens as well decides.
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
  console.error(printable(`Task "${id}" threw after its end, which nobody waits for: ${stackOf(thrown)}`))
}

// A thread of its own: a task that computes without a pause hears nothing else.
const watcherProgram = `
const { parent } = require('node:worker_threads').workerData
setInterval(() => { if (process.ppid !== parent) process.kill(-process.pid, 'SIGKILL') }, 1000)
`

/** Ends this process and its group within a second or two after its parent was killed, whatever it is doing. */
function endWithParent(): void {
  const thread = new Worker(watcherProgram, {
    eval: true,
    workerData: { parent: process.ppid },
    stderr: true,
  })
  thread.on('error', () => {})
  thread.unref()
}

let worker: PreparedWorker
/** The task that runs, and those that wait behind it. */
const inFlight: { readonly task: TaskMessage; readonly controller: AbortController }[] = []
let working = Promise.resolve()

const startFolder = process.cwd()
const output = new OutputMarker()
const stream = openChannel()
const channel = new Channel<ToWorker, FromWorker>(stream, {
  isMessage: (_value): _value is ToWorker => true,
  onMessage: onMessage,
})
// What tasks have started ends with their worker.
stream.on('close', () => process.on('exit', () => signalGroup(process.pid, 'SIGKILL')).exit())
endWithParent()
surviveLateErrors((task) => inFlight[0]?.task === task)

function onMessage(message: ToWorker): void {
  if (message.type === 'setup') prepare(message.setup)
  else if (message.type === 'run') enqueue(message.task)
  else inFlight.find(({ task }) => task.id === message.task)?.controller.abort()
}

function enqueue(task: TaskMessage): void {
  const controller = new AbortController()
  inFlight.push({ task, controller })
  working = working.then(() => runTaskAlone(task, controller))
}

async function prepare({ secrets, mark, ...setup }: WorkerSettings): Promise<void> {
  output.mark = mark
  try {
    const given = secrets && { secrets: deserializeSecrets(secrets) }
    if (given) maskOutput(redactorFor(given.secrets))
    worker = await prepareWorker({ ...setup, ...given })
    channel.post({ type: 'ready' })
  } catch (thrown) {
    channel.post({ type: 'unfit', error: packError(thrown) })
  }
}

async function runTaskAlone(task: TaskMessage, { signal }: AbortController): Promise<void> {
  const began = performance.now()
  const tell = (news: TaskNews): void => {
    // What a task does after its end would count for the next one.
    if (inFlight[0]?.task === task) channel.post({ type: 'news', news })
  }
  output.begin()
  // One task that changes it changes it for no other one.
  if (process.cwd() !== startFolder) process.chdir(startFolder)
  const ended = await runAsTask(task, () => runAttempt(task, worker, { signal, tell }))
  inFlight.shift()
  channel.post({ type: 'ended', ended, ms: performance.now() - began, marked: output.end() })
}
