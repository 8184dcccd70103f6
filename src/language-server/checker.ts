import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Deferred, deferred } from '../util/concurrency.js'
import { signalGroup, waitForExit } from '../util/process.js'
import type { CheckResult, FromChecker, ToChecker } from './messages.js'

/** Milliseconds after which an import, or the check of a text, counts as endless. */
export interface TimeLimits {
  readonly importMs: number
  readonly checkMs: number
}

export const defaultLimits: TimeLimits = { importMs: 20_000, checkMs: 5_000 }

/** Megabytes of memory that user code may fill with objects before its process ends. */
const memoryMb = 2048
/** The end of the output that is searched for the reason of an exit. */
const longestOutput = 2000
/** What user code prints after so many characters is left out. */
const mostOutput = 50_000

/** How the import of the modules ended. */
export type ImportResult = Extract<FromChecker, { type: 'ready' | 'failed' }>

/** The process with the modules of a project. Nothing in user code can end the server: this process ends in its place. */
export class Checker {
  /** Settles when the modules are imported; rejects with a sentence if the process ends before, or takes too long. */
  readonly imported: Promise<ImportResult>
  /** Settles when the process has ended, with the reason as a sentence. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  readonly #import = deferred<ImportResult>()
  readonly #checks = new Map<number, Deferred<CheckResult>>()
  /** The files that are being checked. */
  readonly #files = new Map<number, string>()
  #module: string | undefined
  #count = 0
  #reason: string | undefined
  #output = ''
  #outputLength = 0
  #isClosed = false

  constructor(
    folder: string,
    readonly limits: TimeLimits,
    /** Receives what user code prints. */
    readonly onOutput: (text: string) => void,
  ) {
    this.#child = fork(fileURLToPath(import.meta.resolve('#checker')), [], {
      cwd: folder,
      // A group of its own, which ends with it.
      detached: true,
      execArgv: [`--max-old-space-size=${memoryMb}`],
      serialization: 'advanced',
      // Standard output has the messages of the server.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => this.#print(chunk.toString()))
    this.#child.on('message', (message: FromChecker) => this.#receive(message))
    this.imported = this.#import.promise
    this.imported.catch(() => {})
    this.exited = this.#watchExit()
    this.#post({ type: 'setup', folder })
    this.#limit(this.imported, limits.importMs, () => {
      const seconds = limits.importMs / 1000
      return `importing ${this.#moduleName} took more than ${seconds} s: look for a loop, or a promise that never settles`
    })
  }

  /**
   * Checks a text.
   *
   * @throws A sentence, when the process ended, or when the check took too long.
   */
  check(file: string, text: string): Promise<CheckResult> {
    const id = ++this.#count
    const check = deferred<CheckResult>()
    if (this.hasEnded) return Promise.reject(new Error(this.#reason ?? 'the process has ended'))
    this.#checks.set(id, check)
    this.#files.set(id, file)
    this.#post({ type: 'check', id, file, text })
    const seconds = this.limits.checkMs / 1000
    this.#limit(
      check.promise,
      this.limits.checkMs,
      () => `checking "${file}" took more than ${seconds} s: look for a loop in a schema`,
    )
    return check.promise
  }

  get hasEnded(): boolean {
    return this.#isClosed || this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  close(): void {
    this.#isClosed = true
    this.#kill()
  }

  #kill(): void {
    this.#child.kill('SIGKILL')
    signalGroup(this.#child.pid, 'SIGKILL')
  }

  get #moduleName(): string {
    return this.#module === undefined ? 'the modules' : `"${this.#module}"`
  }

  #limit(promise: Promise<unknown>, limitMs: number, explain: () => string): void {
    const timer = setTimeout(() => {
      this.#reason = explain()
      this.#kill()
    }, limitMs)
    timer.unref()
    promise.catch(() => {}).finally(() => clearTimeout(timer))
  }

  #post(message: ToChecker): void {
    // A process that has ended is seen by its exit.
    this.#child.send(message, () => {})
  }

  #receive(message: FromChecker): void {
    if (message.type === 'importing') this.#module = message.module
    else if (message.type === 'checked') {
      const { id, type: _, ...result } = message
      this.#checks.get(id)?.resolve(result)
      this.#checks.delete(id)
      this.#files.delete(id)
    } else {
      this.#module = undefined
      this.#import.resolve(message)
    }
  }

  // What user code prints is no message of the server.
  #print(text: string): void {
    this.#output = (this.#output + text).slice(-longestOutput)
    const isShown = this.#outputLength < mostOutput
    this.#outputLength += text.length
    if (isShown) this.onOutput(text.slice(0, mostOutput))
    if (isShown && this.#outputLength >= mostOutput)
      this.onOutput('What these modules print from here on is not shown')
  }

  async #watchExit(): Promise<string> {
    const reason = await waitForExit(this.#child).then(
      ({ exitCode, signal }) => this.#reason ?? this.#exitReason(exitCode, signal),
      (error: Error) => `Node could not be started: ${error.message}`,
    )
    this.#reason = reason
    // What it has started ends, too.
    signalGroup(this.#child.pid, 'SIGKILL')
    this.#import.reject(new Error(reason))
    for (const check of this.#checks.values()) {
      check.promise.catch(() => {})
      check.reject(new Error(reason))
    }
    this.#checks.clear()
    return reason
  }

  #exitReason(exitCode: number | null, signal: NodeJS.Signals | null): string {
    const [file] = this.#files.values()
    const checking = file === undefined ? '' : ` while it checked "${file}"`
    const doing = this.#module === undefined ? checking : ` while ${this.#moduleName} was imported`
    if (/heap out of memory/.test(this.#output)) return `it ran out of memory (${memoryMb} MB)${doing}`
    return (signal === null ? `it exited with code ${exitCode}` : `${signal} ended it`) + doing
  }
}
