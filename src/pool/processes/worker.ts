// The program of a worker process: takes one task after the other from its parent, and ends when its parent does.
import { signalGroup } from '../../cluster/agent/signal-group.js'
import { attemptHere } from '../attempt.js'
import type { TaskMessage, TaskNews, WorkerSetup } from '../engine.js'
import { importModules } from '../import-modules.js'
import { packError } from '../packed-error.js'
import { asTask, surviveLateErrors } from './late-errors.js'
import type { FromWorker, ToWorker, WorkerSettings } from './messages.js'
import { Outbox } from './outbox.js'
import { unpackSecrets } from './packed-secrets.js'
import { watchParent } from './parent-watch.js'

let setup: WorkerSetup
/** The task that runs, and those that wait behind it. */
const held: { readonly task: TaskMessage; readonly controller: AbortController }[] = []
let working = Promise.resolve()

const outbox = new Outbox<FromWorker>((messages) => {
  if (process.connected) process.send!(messages)
})

process.on('message', (messages: ToWorker[]) => {
  for (const message of messages) hear(message)
})
// What tasks have started ends with their worker.
process.on('disconnect', () => process.on('exit', () => signalGroup(process.pid, 'SIGKILL')).exit())
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

async function prepare({ imports, folder, secrets }: WorkerSettings): Promise<void> {
  try {
    await importModules(imports)
    setup = { imports, folder, ...(secrets && { secrets: unpackSecrets(secrets) }) }
    outbox.post({ type: 'ready' })
  } catch (thrown) {
    outbox.post({ type: 'unfit', error: packError(thrown) })
  }
}

async function work(task: TaskMessage, { signal }: AbortController): Promise<void> {
  const began = performance.now()
  const tell = (news: TaskNews): void => {
    // What a task does after its end would count for the next one.
    if (held[0]?.task === task) outbox.post({ type: 'news', news })
  }
  const ended = await asTask(task, () => attemptHere(task, setup, { signal, tell }))
  held.shift()
  outbox.post({ type: 'ended', ended, ms: performance.now() - began })
}
