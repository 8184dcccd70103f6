import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Logger } from '../logger.js'
import { maskData, type Redact } from '../runnable/secrets/mask.js'
import { temporaryBeside } from '../util/atomic-write.js'
import { interruptedCode } from '../util/exit-codes.js'
import { explainWriteError } from '../util/file-error.js'
import { toJson } from '../util/json.js'
import { identify } from '../util/process-identity.js'
import { reserve, reservedPath, writeReserved } from '../util/reserved-file.js'
import { codeOf, readSafely } from '../util/thrown.js'
import { version } from '../version.js'
import { privateFilesOf, snapshotCode } from './code.js'
import type { RunEnded, RunEvent, SweepStarted, TrialEnded, TrialProgress, TrialStarted } from './events.js'
import { type Leaves, leavesOf } from './leaves.js'
import { type MetricsFacts, metricsLine } from './metrics-line.js'
import { numbersOf } from './numbers.js'
import type { RecordedOrigin, RecordedSweep, RunRecord } from './record.js'
import { newRunId } from './run-id.js'

/** What is known of a run before its file is read. */
export type RecordedCall = Pick<
  RunRecord,
  | 'argv'
  | 'file'
  | 'rerunOf'
  | 'folder'
  | 'set'
  | 'seed'
  | 'needs'
  | 'imports'
  | 'secrets'
  | 'secretsDialect'
  | 'envFiles'
  | 'cluster'
>

/** How a run is recorded. */
export interface RecordingOptions {
  /** The folder of all records. */
  readonly runs: string
  /** The project whose code is recorded. */
  readonly project: string
  readonly call: RecordedCall
  readonly logger: Logger
  /** Whether `log.txt` has what the process prints, in place of what the run logs. */
  readonly hasOutput: boolean
}

/** The file of a run, after everything that it is made of was found. */
export interface RecordedFile {
  readonly text: string
  readonly tag: string
  readonly origins: readonly RecordedOrigin[]
  /** Masks secrets. */
  readonly redact: Redact
}

/** What `run.json` says of the end of a run. */
type RunEnd = Pick<RunRecord, 'state' | 'exitCode' | 'endedAt' | 'error' | 'reason' | 'problems' | 'values'>

/** The files of a record to which lines are added. */
type AddedFile = 'log.txt' | 'metrics.jsonl' | 'trials.jsonl' | 'trials.log'

/** The most numbers of a result that `run.json` repeats. */
const mostValues = 50
/** The files that the events of a run fill. */
const ofEvents: readonly AddedFile[] = ['metrics.jsonl', 'trials.jsonl', 'trials.log']
/** What the end of a run may need in `run.json` besides what is known at its start, in bytes. */
const roomForEnd = 4096
/** How much of what is printed before the record begins is kept, in characters. */
const mostWaiting = 1 << 20
/** How much of a line is kept back until it ends, in characters. */
const longestLine = 1 << 16
/** How much of an error is kept when the disk is full, in characters: it fits into the room for the end, however JSON writes it. */
const mostOfError = 500

/**
 * Writes the record of one run as it goes: each line at once, and `run.json` as a whole, so that a record is readable whenever the
 * process is killed. When a file cannot be written, the record ends, with one warning; the run goes on.
 */
export class Recording {
  #id = newRunId()
  #folder: string | undefined
  #record: RunRecord | undefined
  /** The record as it is on the disk. */
  #written: RunRecord | undefined
  #reserved = 0
  #redact: Redact = (text) => text
  #isBroken = false
  #isRewriting = false
  /** What was printed and is not in the log yet. */
  #printed = ''
  #snapshot: Promise<void> | undefined
  readonly #open = new Map<AddedFile, number>()
  readonly #onExit = (exitCode: number): void => this.#endOfProcess(exitCode)

  constructor(readonly options: RecordingOptions) {}

  /**
   * Continues the record of a run on a cluster. Its events are read from the beginning, so what they give is written anew; the earlier
   * files stay until {@link keepRewritten}.
   */
  static resume(folder: string, record: RunRecord, logger: Logger): Recording {
    const options = { runs: dirname(folder), project: record.folder, call: record, logger, hasOutput: true }
    const recording = new Recording(options)
    recording.#id = record.id
    recording.#folder = folder
    recording.#record = record
    recording.#written = record
    recording.#isRewriting = true
    recording.#removeDrafts()
    return recording
  }

  /** Replaces what earlier events have given, now that all events were read again. */
  keepRewritten(): void {
    this.#guard((folder) => {
      for (const name of ofEvents) {
        const opened = this.#open.get(name)
        if (opened === undefined) continue
        closeSync(opened)
        this.#open.delete(name)
        renameSync(draftOf(folder, name), join(folder, name))
      }
    })
    if (!this.#isBroken) this.#isRewriting = false
  }

  #removeDrafts(): void {
    for (const name of ofEvents) rmSync(draftOf(this.#folder!, name), { force: true })
  }

  get id(): string {
    return this.#id
  }

  /** The folder of the record; `undefined` as long as there is none. */
  get folder(): string | undefined {
    return this.#folder
  }

  /** Creates the record. */
  async begin(file: RecordedFile): Promise<void> {
    if (this.#record) return
    this.#redact = file.redact
    try {
      this.#record = await this.#firstRecord(file)
      this.#create(file.text)
    } catch (error) {
      return this.#fail(error)
    }
    if (this.#record.cluster === undefined) process.once('exit', this.#onExit)
    this.#addPrinted()
    this.#snapshot = this.#takeSnapshot()
  }

  /** Takes the options of the runnable with what its schemas filled in. Those of one that cannot be written are not known. */
  filledIn(leaves: () => Leaves): void {
    if (!this.#record || this.#isBroken) return
    const { options } = this.#record
    const added = Object.entries(readSafely(leaves, {})).filter(([path]) => !Object.hasOwn(options, path))
    if (added.length > 0) this.#update({ defaults: maskData(Object.fromEntries(added), this.#redact) })
  }

  /** Takes what the process prints. */
  onOutput(text: string): void {
    if (!this.options.hasOutput || (!this.#record && this.#printed.length > mostWaiting)) return
    this.#printed += text
    if (this.#record && (text.includes('\n') || this.#printed.length > longestLine)) this.#addPrinted()
  }

  /** Takes a part of the log of a run on a cluster, which masks its secrets. */
  onRemoteLog(chunk: Uint8Array): void {
    if (this.#record?.state === 'queued' && chunk.length > 0) this.onSubmitted({ isQueued: false })
    this.#add('log.txt', chunk)
  }

  /** The run is on its cluster: it has started, or waits for another one. */
  onSubmitted({ isQueued, waitsFor }: { isQueued: boolean; waitsFor?: string | undefined }): void {
    const state = isQueued ? 'queued' : 'running'
    if (this.#record?.state !== state || this.#record.waitsFor !== waitsFor) this.#update({ state, waitsFor })
  }

  /** Takes an event, in which secrets are masked. */
  readonly onEvent = (event: RunEvent): void => {
    if (this.#folder === undefined) return
    switch (event.type) {
      case 'log':
        this.#addLog(event)
        break
      case 'progress':
        this.#addMetrics(event.value, { _time: event.time })
        break
      case 'trial.progress':
        this.#addTrialMetrics(event)
        break
      case 'sweep.started':
        this.#update({ sweep: sweepOf(event) })
        break
      case 'trial.started':
        this.#addTrial(event, { state: 'running', startedAt: event.time })
        break
      case 'trial.ended':
        this.#addTrial(event)
        break
      case 'run.ended':
        this.#addEnd(event)
    }
  }

  /** Closes the files. The end of the run is an event. */
  async close(): Promise<void> {
    await this.#snapshot
    process.off('exit', this.#onExit)
    this.#addPrinted({ isLast: true })
    for (const file of this.#open.values()) closeSync(file)
    this.#open.clear()
    if (this.#isRewriting) this.#removeDrafts()
  }

  /** Waits for what is recorded beside the run. */
  async settle(): Promise<void> {
    await this.#snapshot
  }

  async #firstRecord({ text, tag, origins }: RecordedFile): Promise<RunRecord> {
    const { call } = this.options
    const redact = this.#redact
    return {
      format: 1,
      id: this.#id,
      state: call.cluster ? 'starting' : 'running',
      ...call,
      argv: call.argv.map(redact),
      set: call.set.map(redact),
      tag,
      startedAt: new Date().toISOString(),
      user: userName(),
      host: hostname(),
      ...(call.cluster ? {} : { process: await identify(process.pid) }),
      options: leavesOf(redact(text)),
      defaults: {},
      origins,
      node: process.version,
      flambeau: version,
      packages: {},
      modules: {},
    }
  }

  #create(text: string): void {
    const { runs } = this.options
    prepareRuns(runs)
    // Two runs that start in the same millisecond may draw the same id.
    for (let attempt = 1; this.#folder === undefined; attempt++)
      try {
        this.#createAs(join(runs, this.#id), text)
        this.#folder = join(runs, this.#id)
      } catch (error) {
        if (!isTaken(error) || attempt === mostAttempts) throw error
        this.#id = newRunId()
        this.#record = { ...this.#record!, id: this.#id }
      }
  }

  // Under another name first: a record is complete, or it is none.
  #createAs(folder: string, text: string): void {
    const draft = temporaryBeside(folder)
    try {
      mkdirSync(draft, { mode: 0o700 })
      writeFileSync(join(draft, 'run.yaml'), this.#redact(text), { mode: 0o600, flag: 'wx' })
      const json = recordText(this.#record!)
      writeFileSync(join(draft, 'run.json'), json, { mode: 0o600, flag: 'wx' })
      const size = Buffer.byteLength(json) + roomForEnd
      reserve(join(draft, 'run.json'), { size })
      renameSync(draft, folder)
      this.#written = this.#record
      this.#reserved = size
    } finally {
      rmSync(draft, { recursive: true, force: true })
    }
  }

  async #takeSnapshot(): Promise<void> {
    const { project, call } = this.options
    try {
      const { patch, ...code } = await snapshotCode({
        folder: project,
        modules: call.imports,
        privateFiles: privateFilesOf(call),
      })
      if (patch !== undefined) this.#write('changes.patch', patch)
      this.#update(code)
    } catch (error) {
      this.options.logger.debug(`The code of this run could not be recorded: ${String(error)}`)
    }
  }

  // Only whole lines, so that a secret that is printed in pieces is masked, too.
  #addPrinted({ isLast = false } = {}): void {
    const isWhole = isLast || this.#printed.length > longestLine
    const end = isWhole ? this.#printed.length : this.#printed.lastIndexOf('\n') + 1
    const lines = stripVTControlCharacters(this.#printed.slice(0, end))
    this.#printed = this.#printed.slice(end)
    this.#add('log.txt', this.#redact(lines))
  }

  #addLog({ level, message, trial, time }: RunEvent & { type: 'log' }): void {
    const line = `${time.slice(11, 19)} ${level.padEnd(5)} ${message}\n`
    if (trial !== undefined) this.#add('trials.log', `${trial} ${line}`)
    else if (!this.options.hasOutput) this.#add('log.txt', line)
  }

  #addTrialMetrics({ value, time, trial, attempt }: RunEvent & TrialProgress): void {
    this.#addMetrics(value, { _time: time, _trial: trial, _attempt: attempt })
  }

  #addMetrics(value: unknown, facts: MetricsFacts): void {
    this.#addJson('metrics.jsonl', metricsLine(value, facts))
  }

  #addTrial(event: RunEvent & (TrialStarted | TrialEnded), facts: object = {}): void {
    const { type: _, time: _time, ...trial } = event
    this.#addJson('trials.jsonl', { ...trial, ...facts })
  }

  #addEnd({ value, time, ...ended }: RunEnded & { time: string }): void {
    if (value !== undefined) this.#write('result.json', `${toJson(value, 2)}\n`)
    const { state, exitCode, error, reason, problems } = ended
    this.#end({ state, exitCode, error, reason, problems, endedAt: time, values: this.#valuesOf(value) })
  }

  #valuesOf(value: unknown): Record<string, number> {
    const numbers = numbersOf(value)
    const [objective] = this.#record?.sweep?.metrics ?? []
    const best = numbers['best.metric']
    if (objective && best !== undefined) return { [objective.name]: best }
    return Object.fromEntries(Object.entries(numbers).slice(0, mostValues))
  }

  #addJson(file: AddedFile, line: object): void {
    this.#add(file, `${toJson(line)}\n`)
  }

  #add(file: AddedFile, text: string | Uint8Array): void {
    if (text.length === 0) return
    this.#guard((folder) => {
      const isDraft = this.#isRewriting && ofEvents.includes(file)
      const path = isDraft ? draftOf(folder, file) : join(folder, file)
      const opened = this.#open.get(file) ?? openSync(path, 'a', 0o600)
      this.#open.set(file, opened)
      writeFileSync(opened, text)
    })
  }

  #write(file: string, content: string | Uint8Array): void {
    this.#guard((folder) => replace(join(folder, file), content))
  }

  #update(changes: Partial<RunRecord>): void {
    if (!this.#record) return
    const record = { ...this.#record, ...changes }
    this.#record = record
    this.#guard((folder) => {
      const path = join(folder, 'run.json')
      const text = recordText(record)
      this.#reserve(path, Buffer.byteLength(text) + roomForEnd)
      replace(path, text)
      this.#written = record
    })
  }

  // What is on the disk and the end of the run always fit.
  #reserve(path: string, size: number): void {
    if (size <= this.#reserved || this.#record?.endedAt !== undefined) return
    replace(reservedPath(path), ' '.repeat(size))
    this.#reserved = size
  }

  // After a full disk, too: the state of the run is the one thing that must be right.
  #end(end: RunEnd): void {
    if (!this.#record) return
    this.#record = { ...this.#record, ...end, waitsFor: undefined }
    if (this.#folder === undefined) return
    const path = join(this.#folder, 'run.json')
    try {
      const text = recordText(this.#record)
      if (writeReserved(path, text)) return
      replace(path, text)
      rmSync(reservedPath(path), { force: true })
    } catch (error) {
      this.#fail(error)
      readSafely(() => writeReserved(path, recordText({ ...this.#written!, ...shortened(end) })), false)
    }
  }

  #guard(write: (folder: string) => void): void {
    if (this.#isBroken || this.#folder === undefined) return
    try {
      write(this.#folder)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#isBroken) return
    this.#isBroken = true
    const what = this.#folder === undefined ? 'This run is not recorded' : 'The record of this run ends here'
    const where = this.#folder ?? this.options.runs
    this.options.logger.warn(`${what}: "${where}" cannot be written: ${explainWriteError(error)}`)
  }

  #endOfProcess(exitCode: number): void {
    const state = exitCode === 0 ? 'succeeded' : exitCode === interruptedCode ? 'cancelled' : 'failed'
    const error = exitCode === 0 ? undefined : 'The process exited before the run ended'
    this.#addPrinted({ isLast: true })
    this.#end({ state, exitCode, error, endedAt: new Date().toISOString() })
  }
}

/** How many ids are tried. */
const mostAttempts = 10

function draftOf(folder: string, file: AddedFile): string {
  return join(folder, `${file}.incoming`)
}

function shortened({ state, exitCode, endedAt, error, reason }: RunEnd): RunEnd {
  return { state, exitCode, endedAt, reason, error: error?.slice(0, mostOfError) }
}

function sweepOf({ metrics, trials, output, repeat }: SweepStarted): RecordedSweep {
  return { metrics, trials, output, repeat }
}

function isTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')
}

// Git ignores the records, whatever the project ignores.
function prepareRuns(runs: string): void {
  mkdirSync(runs, { recursive: true, mode: 0o700 })
  const ignored = join(runs, '.gitignore')
  if (!existsSync(ignored)) writeFileSync(ignored, '*\n')
}

function recordText(record: RunRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`
}

function replace(path: string, content: string | Uint8Array): void {
  const draft = temporaryBeside(path)
  try {
    writeFileSync(draft, content, { mode: 0o600, flag: 'wx' })
    renameSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}

function userName(): string {
  return readSafely(() => userInfo().username, '')
}
