// The program of a worker process: takes one task after the other from its parent, and ends when its parent does.
import { attemptHere } from '../attempt.js'
import type { TaskMessage, TaskNews, WorkerSetup } from '../engine.js'
import { importModules } from '../import-modules.js'
import { packError } from '../packed-error.js'
import type { FromWorker, ToWorker, WorkerSettings } from './messages.js'
import { Outbox } from './outbox.js'
import { unpackSecrets } from './packed-secrets.js'
import { watchParent } from './parent-watch.js'

let setup: WorkerSetup
let current: { readonly id: string; readonly controller: AbortController } | undefined
let working = Promise.resolve()

const outbox = new Outbox<FromWorker>((messages) => {
  if (process.connected) process.send!(messages)
})

process.on('message', (messages: ToWorker[]) => {
  for (const message of messages) hear(message)
})
process.on('disconnect', () => process.on('exit', endGroup).exit())
watchParent()

function hear(message: ToWorker): void {
  if (message.type === 'setup') prepare(message.setup)
  else if (message.type === 'run') working = working.then(() => work(message.task))
  else if (current?.id === message.task) current.controller.abort()
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

async function work(task: TaskMessage): Promise<void> {
  const controller = new AbortController()
  current = { id: task.id, controller }
  const began = performance.now()
  const tell = (news: TaskNews): void => outbox.post({ type: 'news', news })
  const ended = await attemptHere(task, setup, { signal: controller.signal, tell })
  outbox.post({ type: 'ended', ended, ms: performance.now() - began })
}

// What tasks have started ends with their worker.
function endGroup(): void {
  try {
    process.kill(-process.pid, 'SIGKILL')
  } catch {
    // It leads no group when it was started by hand.
  }
}
