// Tasks for pools: imported by the tests and by the workers that they start.
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Runnable, type RunOptions, registrable } from 'flambeau'
import type { TaskOptions } from 'flambeau/pool'
import { z } from 'zod'
import { answersOf } from './secret-files.js'

/** Returns what it is given. */
@registrable('!Echo')
export class Echo extends Runnable.with(z.object({ value: z.any().optional() })) {
  override run(): any {
    return this.options.value
  }
}

/** Returns a text of so many characters. */
@registrable('!Long')
export class Long extends Runnable.with(z.object({ length: z.int() })) {
  override run(): string {
    return 'x'.repeat(this.options.length)
  }
}

/** Fails in its first attempts. */
@registrable('!Flaky')
export class Flaky extends Runnable.with(z.object({ failures: z.int() })) {
  override run({ attempt = 1 }: RunOptions & TaskOptions): number {
    if (attempt <= this.options.failures) throw new RangeError(`no luck in attempt ${attempt}`)
    return attempt
  }
}

/** Says what it does, and waits until it is cancelled. */
@registrable('!Wait')
export class Wait extends Runnable {
  override async run({ signal, logger, progress }: RunOptions & TaskOptions): Promise<void> {
    logger.info('waiting', { for: 'the end' })
    progress?.({ waited: 0 })
    await delay(60_000, undefined, { signal })
  }
}

/** Waits until it is cancelled, and writes a file then. */
@registrable('!Tidy')
export class Tidy extends Runnable.with(z.object({ file: z.string() })) {
  override async run({ signal, progress }: RunOptions & TaskOptions): Promise<void> {
    progress?.('waits')
    await delay(60_000, undefined, { signal }).finally(() => writeFileSync(this.options.file, 'tidied'))
  }
}

/** Waits for nothing but the signal that ends processes, and goes on after it. */
@registrable('!Stubborn')
export class Stubborn extends Runnable {
  override run(): Promise<void> {
    return new Promise((resolve) => process.once('SIGTERM', () => resolve()))
  }
}

/** Tells something that cannot be sent. */
@registrable('!Untold')
export class Untold extends Runnable {
  override run({ progress }: RunOptions & TaskOptions): void {
    progress?.(1n)
  }
}

/** Reports something after its end, and writes a file then. */
@registrable('!Late')
export class Late extends Runnable.with(z.object({ file: z.string() })) {
  override run({ progress, logger }: RunOptions & TaskOptions): void {
    setTimeout(() => {
      progress?.('too late')
      logger.info('too late')
      writeFileSync(this.options.file, '')
    }, 50)
  }
}

/** Waits until there is a file. */
@registrable('!Until')
export class Until extends Runnable.with(z.object({ file: z.string() })) {
  override async run({ signal }: RunOptions): Promise<void> {
    while (!existsSync(this.options.file)) await delay(20, undefined, { signal })
  }
}

/** Writes a line into a file as it starts and, later, as it is done. */
@registrable('!Note')
export class Note extends Runnable.with(z.object({ file: z.string(), ms: z.int().default(0) })) {
  override async run({ taskId }: RunOptions & TaskOptions): Promise<string> {
    appendFileSync(this.options.file, `${taskId} ${process.pid}\n`)
    await delay(this.options.ms)
    return String(taskId)
  }
}

/** Gives a secret back. */
@registrable('!Tell')
export class Tell extends Runnable {
  override run(): string {
    return this.config.get('AWS', 'KEY')
  }
}

/** Cannot be JSON. */
@registrable('!Circular')
export class Circular extends Runnable {
  override run(): object {
    const circle: { self?: object } = {}
    circle.self = circle
    return circle
  }
}

/** Kills the process that it runs in, until a file is there. */
@registrable('!Kill')
export class Kill extends Runnable.with(z.object({ until: z.string().default('') })) {
  override async run(): Promise<string> {
    const { until } = this.options
    if (until !== '' && existsSync(until)) return 'survived'
    if (until !== '') writeFileSync(until, '')
    process.kill(process.pid, 'SIGKILL')
    await delay(60_000)
    return 'never'
  }
}

/** Starts a process of its own, tells both pids, and computes without a pause: nothing asks it to end. */
@registrable('!Busy')
export class Busy extends Runnable.with(z.object({ file: z.string() })) {
  override run(): never {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' })
    writeFileSync(this.options.file, `${process.pid} ${child.pid}`)
    for (;;) Math.random()
  }
}

/** Shows a secret in each way that a task has, and fails. */
@registrable('!Leak')
export class Leak extends Runnable {
  override async run({ logger, progress }: RunOptions & TaskOptions): Promise<never> {
    const key = this.config.get('AWS', 'KEY')
    const basic = Buffer.from(`ada:${key}`).toString('base64')
    logger.info(`logged ${key}`, { key })
    progress?.({ told: key, [key]: [basic], score: 1 })
    const cause = new RangeError(`cause ${encodeURIComponent(key)}`)
    throw Object.assign(new Error(`failed with ${key}, ${basic}`, { cause }), { url: `x://h/?k=${key}` })
  }
}

/** Tells all that it can learn from its secrets. */
@registrable('!Answers')
export class Answers extends Runnable {
  override run(): any {
    return answersOf(this.config)
  }
}

/** Uses the IPC channel of Node, as programs under pm2 and nodemon do, and says what there is of it. */
@registrable('!Messenger')
export class Messenger extends Runnable {
  override async run(): Promise<any> {
    const forged = [{ type: 'ended', ms: 1, ended: { ok: true, host: 'x', result: { json: '"forged"' } } }]
    const heard: unknown[] = []
    process.on('message', (message) => heard.push(message))
    for (const message of ['ready', null, forged]) process.send?.(message)
    process.emit('message', [{ type: 'cancel', task: '01' }], undefined)
    process.disconnect?.()
    process.channel?.unref()
    await delay(50)
    const { send, connected, channel } = process
    return { ipc: [send, connected, channel].map((each) => typeof each), heard: heard.length }
  }
}

/** Writes where its worker has its channel. */
@registrable('!Vandal')
export class Vandal extends Runnable.with(z.object({ line: z.string() })) {
  override async run(): Promise<void> {
    writeSync(3, `${this.options.line}\n`)
    await delay(60_000)
  }
}

/** Prints lines on both of its streams, the last without an end, and ends as it is told. */
@registrable('!Talk')
export class Talk extends Runnable.with(
  z.object({ lines: z.int(), end: z.enum(['return', 'throw', 'exit', 'leave']).default('return') }),
) {
  override run({ taskId = '' }: RunOptions & TaskOptions): string {
    const { lines, end } = this.options
    for (let line = 1; line < lines; line++) {
      console.log(`${taskId} out ${line} ${'é'.repeat(40)}`)
      console.error(`${taskId} err ${line}`)
    }
    process.stdout.write(`${taskId} out ${lines}`)
    process.stderr.write(`${taskId} err ${lines}`)
    if (end === 'throw') throw new Error('as it was told')
    if (end === 'exit') process.exit(7)
    // Outside of its process group, with its streams.
    if (end === 'leave') spawn('sleep', ['30'], { detached: true, stdio: 'inherit' }).unref()
    return taskId
  }
}

/** Writes into the folder of its own, and goes elsewhere. */
@registrable('!Wander')
export class Wander extends Runnable.with(z.object({ to: z.string() })) {
  override run({ folder = '' }: RunOptions & TaskOptions): [from: string, folder: string] {
    writeFileSync(join(folder, 'model.txt'), this.options.to)
    const from = process.cwd()
    process.chdir(this.options.to)
    return [from, folder]
  }
}

/** Is over at once, and leaves behind what throws while the next task runs. */
@registrable('!Careless')
export class Careless extends Runnable.with(z.object({ how: z.enum(['promise', 'timer', 'nested']) })) {
  override run(): string {
    const late = async (): Promise<never> => {
      await delay(100)
      throw new Error('late \u001b[1m')
    }
    if (this.options.how === 'promise') void late()
    else if (this.options.how === 'nested') setTimeout(() => void Promise.resolve().then(late), 1)
    else
      setTimeout(() => {
        throw new Error('late \u001b[1m')
      }, 100)
    return 'done'
  }
}

/** Leaves a promise that is rejected while the task itself still runs. */
@registrable('!Reckless')
export class Reckless extends Runnable {
  override async run(): Promise<void> {
    void Promise.reject(new Error('reckless'))
    await delay(60_000)
  }
}

/** Takes so many milliseconds. */
@registrable('!Takes')
export class Takes extends Runnable.with(z.object({ ms: z.int() })) {
  override async run(): Promise<number> {
    await delay(this.options.ms)
    return process.pid
  }
}

/** Reports the same object after each epoch, and then changes it into one that JSON cannot hold. */
@registrable('!Epochs')
export class Epochs extends Runnable {
  override run({ progress }: RunOptions & TaskOptions): void {
    const state: { epoch: unknown } = { epoch: 0 }
    for (let epoch = 1; epoch <= 3; epoch++) {
      state.epoch = epoch
      progress?.(state)
    }
    state.epoch = 4n
  }
}

/** Writes a line into a file, and fails. */
@registrable('!Fails')
export class Fails extends Runnable.with(z.object({ file: z.string() })) {
  override run({ attempt }: RunOptions & TaskOptions): never {
    appendFileSync(this.options.file, `${attempt}\n`)
    throw new Error('always')
  }
}

/** Returns its seed, after it has failed with it in its first attempts. */
@registrable('!Draw')
export class Draw extends Runnable.with(z.object({ failures: z.int().default(0) })) {
  override run({ seed, attempt = 1 }: RunOptions & TaskOptions): number | undefined {
    if (attempt <= this.options.failures) throw new Error(`seed ${seed}`)
    return seed
  }
}

/** Fails with these words. */
@registrable('!Says')
export class Says extends Runnable.with(z.object({ says: z.string() })) {
  override run(): never {
    throw new Error(this.options.says)
  }
}

/** Gives the channel of its worker to another process, and computes without a pause. */
@registrable('!Shares')
export class Shares extends Runnable.with(z.object({ file: z.string() })) {
  override run(): never {
    spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', 3] })
    writeFileSync(this.options.file, `${process.pid}`)
    for (;;) Math.random()
  }
}
