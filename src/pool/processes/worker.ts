// The program of a worker process: takes one task after the other from its parent, and ends when its parent does.

import { redactOf } from '../../runnable/secrets/mask.js'
import { maskOutput } from '../../runnable/secrets/mask-output.js'
import { sharedSecrets } from '../../runnable/secrets/shared-secrets.js'
import { signalGroup } from '../../util/process.js'
import { attemptHere } from '../attempt.js'
import type { TaskMessage, TaskNews } from '../engine.js'
import { packError } from '../packed-error.js'
import { type PreparedWorker, prepareWorker } from '../prepare-worker.js'
import { Channel, openChannel } from './channel.js'
import { asTask, surviveLateErrors } from './late-errors.js'
import { OutputMarks } from './mark-output.js'
import type { FromWorker, ToWorker, WorkerSettings } from './messages.js'
import { watchParent } from './parent-watch.js'

let worker: PreparedWorker
/** The task that runs, and those that wait behind it. */
const held: { readonly task: TaskMessage; readonly controller: AbortController }[] = []
let working = Promise.resolve()

const home = process.cwd()
const output = new OutputMarks()
const stream = openChannel()
const channel = new Channel<ToWorker, FromWorker>(stream, {
  isMessage: (_value): _value is ToWorker => true,
  hear,
})
// What tasks have started ends with their worker.
stream.on('close', () => process.on('exit', () => signalGroup(process.pid, 'SIGKILL')).exit())
watchParent()
surviveLateErrors((task) => held[0]?.task === task)

function hear(message: ToWorker): void {
  if (message.type === 'setup') prepare(message.setup)
  else if (message.type === 'run') take(message.task)
  else held.find(({ task }) => task.id === message.task)?.controller.abort()
}

function take(task: TaskMessage): void {
  const controller = new AbortController()
  held.push({ task, controller })
  working = working.then(() => work(task, controller))
}

async function prepare({ secrets, mark, ...setup }: WorkerSettings): Promise<void> {
  output.mark = mark
  try {
    const given = secrets && { secrets: sharedSecrets(secrets) }
    if (given) maskOutput(redactOf(given.secrets))
    worker = await prepareWorker({ ...setup, ...given })
    channel.post({ type: 'ready' })
  } catch (thrown) {
    channel.post({ type: 'unfit', error: packError(thrown) })
  }
}

async function work(task: TaskMessage, { signal }: AbortController): Promise<void> {
  const began = performance.now()
  const tell = (news: TaskNews): void => {
    // What a task does after its end would count for the next one.
    if (held[0]?.task === task) channel.post({ type: 'news', news })
  }
  output.begin()
  // One task that changes it changes it for no other one.
  if (process.cwd() !== home) process.chdir(home)
  const ended = await asTask(task, () => attemptHere(task, worker, { signal, tell }))
  held.shift()
  channel.post({ type: 'ended', ended, ms: performance.now() - began, marked: output.end() })
}
