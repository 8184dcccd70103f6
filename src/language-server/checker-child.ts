import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Deferred, deferred } from '../util/concurrency.js'
import { signalGroup, waitForExit } from '../util/process.js'
import type { CheckResult, FromChecker, ToChecker } from './messages.js'

/** Milliseconds after which an import, or the check of a text, counts as endless. */
const importMs = 20_000
const checkMs = 5_000

/** Megabytes of memory that user code may fill with objects before its process ends. */
const memoryMb = 2048
/** The end of the output that is searched for the reason of an exit. */
const longestOutput = 2000
/** What user code prints after so many characters is left out. */
const mostOutput = 50_000

/** A check whose result is awaited. */
interface PendingCheck extends Omit<Deferred<CheckResult>, 'promise'> {
  readonly file: string
}

/** The result of importing the modules. */
export type ImportResult = Extract<FromChecker, { type: 'ready' | 'failed' }>

/** The process with the modules of a project. Nothing in user code can end the server: this process ends in its place. */
export class CheckerChild {
  /** Settles when the modules are imported; rejects with a sentence if the process ends before, or takes too long. */
  readonly imported: Promise<ImportResult>
  /** Resolves with the reason, as a sentence, when the process exits. */
  readonly exited: Promise<string>
  readonly #child: ChildProcess
  readonly #import = deferred<ImportResult>()
  readonly #checks = new Map<number, PendingCheck>()
  #module: string | undefined
  #count = 0
  #reason: string | undefined
  #output = ''
  #outputLength = 0
  #isClosed = false

  constructor(
    folder: string,
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
    const remedy = 'look for a loop, or a promise that never settles'
    this.#limit(this.imported, importMs, () => `importing ${this.#moduleName}`, remedy)
  }

  /**
   * Checks a text.
   *
   * @throws An error whose message is the reason, when the process exits or the check takes too long.
   */
  check(file: string, text: string): Promise<CheckResult> {
    const id = ++this.#count
    if (this.hasExited) return Promise.reject(new Error(this.#reason ?? 'the process exited'))
    const { promise, ...settle } = deferred<CheckResult>()
    this.#checks.set(id, { ...settle, file })
    this.#post({ type: 'check', id, file, text })
    this.#limit(promise, checkMs, () => `checking "${file}"`, 'look for a loop in a schema')
    return promise
  }

  get hasExited(): boolean {
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

  #limit(promise: Promise<unknown>, limitMs: number, doing: () => string, remedy: string): void {
    const timer = setTimeout(() => {
      this.#reason = `${doing()} took more than ${limitMs / 1000} s: ${remedy}`
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
    for (const check of this.#checks.values()) check.reject(new Error(reason))
    this.#checks.clear()
    return reason
  }

  #exitReason(exitCode: number | null, signal: NodeJS.Signals | null): string {
    const [check] = this.#checks.values()
    const checking = check ? ` while it checked "${check.file}"` : ''
    const doing = this.#module === undefined ? checking : ` while ${this.#moduleName} was imported`
    if (/heap out of memory/.test(this.#output)) return `it ran out of memory (${memoryMb} MB)${doing}`
    return (signal === null ? `it exited with code ${exitCode}` : `${signal} ended it`) + doing
  }
}
