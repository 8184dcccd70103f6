import { Worker } from 'node:worker_threads'

// A thread of its own: a task that computes without a pause hears nothing else.
const program = `
const { parent } = require('node:worker_threads').workerData
setInterval(() => { if (process.ppid !== parent) process.kill(-process.pid, 'SIGKILL') }, 1000)
`

/** Ends this process and its group within a second or two after its parent was killed, whatever it is doing. */
export function watchParent(): void {
  const thread = new Worker(program, { eval: true, workerData: { parent: process.ppid }, stderr: true })
  thread.on('error', () => {})
  thread.unref()
}
