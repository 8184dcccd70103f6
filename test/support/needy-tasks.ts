// Tasks that show what they have of their machine: imported by tests and by the workers that they start.
import { spawn } from 'node:child_process'
import { appendFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Runnable, type RunOptions, registrable } from 'flambeau'
import type { TaskOptions } from 'flambeau/pool'
import { z } from 'zod'

/** Writes a line when it begins and when it ends, with the GPUs that it sees, into a file that several pools share. */
@registrable('!UseGpu')
export class UseGpu extends Runnable.with(z.object({ file: z.string(), ms: z.int().default(100) })) {
  static override needs = { gpus: 1 }

  override async run({ taskId, signal }: RunOptions & TaskOptions): Promise<string> {
    const { CUDA_VISIBLE_DEVICES: gpus = 'all' } = process.env
    const note = (what: string) =>
      appendFileSync(this.options.file, `${what} ${gpus} ${taskId} ${process.pid}\n`)
    note('begin')
    await delay(this.options.ms, undefined, { signal })
    note('end')
    return gpus
  }
}

/** Ends when it was started so often, and returns how often it was. */
@registrable('!Starts')
export class Starts extends Runnable.with(z.object({ file: z.string(), starts: z.int() })) {
  override async run({ signal }: RunOptions): Promise<number> {
    const { file, starts } = this.options
    appendFileSync(file, 'x')
    while (statSync(file).size < starts) await delay(20, undefined, { signal })
    return statSync(file).size
  }
}

/** Returns environment variables. */
@registrable('!Variables')
export class Variables extends Runnable.with(z.object({ names: z.array(z.string()) })) {
  override run(): Record<string, string | undefined> {
    return Object.fromEntries(this.options.names.map((name) => [name, process.env[name]]))
  }
}

/** Has the number of threads that a variable allows as a metric. */
@registrable('!Threads')
export class Threads extends Runnable {
  override run(): { threads: number } {
    return { threads: Number(process.env['OMP_NUM_THREADS']) }
  }
}

/** Uses so many megabytes, in arrays or buffers, for a moment. */
@registrable('!Allocate')
export class Allocate extends Runnable.with(
  z.object({ megabytes: z.int(), as: z.enum(['arrays', 'buffers']) }),
) {
  override async run(): Promise<number> {
    const kept: unknown[] = []
    for (let count = 0; count < this.options.megabytes; count++) {
      kept.push(
        this.options.as === 'buffers' ? Buffer.alloc(2 ** 20, 1) : new Array(2 ** 17).fill(count + 0.5),
      )
      if (count % 10 === 0) await delay(2)
    }
    await delay(200)
    return kept.length
  }
}

/** Runs a program, and waits for its end unless it leaves it; from another thread if asked to. */
@registrable('!Shell')
export class Shell extends Runnable.with(
  z.object({
    argv: z.array(z.string()),
    leaves: z.boolean().default(false),
    inThread: z.boolean().default(false),
  }),
) {
  override async run({ signal }: RunOptions): Promise<number | null> {
    const [program = '', ...args] = this.options.argv
    if (this.options.inThread) {
      const code = `const [program, ...args] = require('node:worker_threads').workerData
        require('node:child_process').spawn(program, args, { stdio: 'ignore' })`
      new Worker(code, { eval: true, workerData: this.options.argv })
      return delay(60_000, null, { signal })
    }
    const child = spawn(program, args, { stdio: 'ignore' })
    if (this.options.leaves) return null
    return new Promise((resolve) => child.once('exit', resolve))
  }
}
