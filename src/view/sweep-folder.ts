import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { metricsName, rank, readSweep, recordsName } from '../pool/sweep/records.js'
import { repeatRun } from '../util/repeat-command.js'
import type { RunDetail, RunSummary, RunText, TextPart } from './data.js'
import type { RunFiles } from './run-files.js'
import { readEnd, readPart, readWhole } from './text-part.js'
import { parseLine } from './trial-tally.js'

/** The run of the `output` folder of a sweep, of which there may be no record. */
export class SweepFolder implements RunFiles {
  #read: { readonly version: string; readonly summary: RunSummary } | undefined

  constructor(readonly folder: string) {}

  async summary(): Promise<RunSummary> {
    const version = await versionOf(join(this.folder, recordsName))
    if (this.#read && this.#read.version === version) return this.#read.summary
    const summary = await summaryOf(this.folder)
    this.#read = { version, summary }
    return summary
  }

  detail(): Promise<RunDetail> {
    return this.summary()
  }

  async read(text: RunText, from: number): Promise<TextPart> {
    if (text === 'metrics') return readPart({ folder: this.folder, name: metricsName }, from)
    if (text === 'trials') return this.#trials(from)
    return text === 'trial-log' ? this.#logs(from) : { text: '', next: from }
  }

  /** The results; those of failed trials with their files. */
  async #trials(from: number): Promise<TextPart> {
    const { text, next } = await this.#results(from)
    const lines: string[] = []
    for (const line of text.split('\n')) {
      const trial = failedTrial(line)
      const file = trial && (await readWhole(this.#failed(trial, 'yaml')))
      lines.push(file === undefined ? line : JSON.stringify({ ...parseLine(line), file }))
    }
    return { text: lines.join('\n'), next }
  }

  /** The last output of the failed trials. An offset is one in the results, which name them in the order in which they failed. */
  async #logs(from: number): Promise<TextPart> {
    let logs = ''
    for (let offset = from; ; ) {
      const { text, next } = await this.#results(offset)
      for (const line of text.match(/[^\n]*\n/g) ?? []) {
        offset += Buffer.byteLength(line)
        const trial = failedTrial(line)
        if (trial !== undefined) logs += await this.#log(trial)
        if (logs.length > mostLogs) return { text: logs, next: offset }
      }
      if (text === '') return { text: logs, next: offset }
      offset = next
    }
  }

  #results(from: number): Promise<TextPart> {
    return readPart({ folder: this.folder, name: recordsName }, from)
  }

  // In the form of the log of a record: each line has the number of its trial, and a time.
  async #log(trial: string): Promise<string> {
    const file = this.#failed(trial, 'log')
    const text = (await readEnd(file, logSize)).trimEnd()
    if (text === '') return ''
    const found = await stat(join(file.folder, file.name)).catch(() => undefined)
    const time = (found?.mtime ?? new Date()).toISOString().slice(11, 19)
    return text
      .split('\n')
      .map((line) => `${trial} ${time} ${line}\n`)
      .join('')
  }

  #failed(trial: string, extension: string): { folder: string; name: string } {
    return { folder: this.folder, name: join('failed', `${trial}.${extension}`) }
  }
}

/** The most characters of logs in one answer, but for the last log. */
const mostLogs = 1 << 20
/** How much of the log of a failed trial is read, in bytes: as much as a pool keeps. */
const logSize = 1 << 16

// A number is also the name of its files: anything else could lead out of the folder.
function failedTrial(line: string): string | undefined {
  const { trial, error } = parseLine(line)
  return error !== undefined && typeof trial === 'string' && /^\d+$/.test(trial) ? trial : undefined
}

async function versionOf(path: string): Promise<string> {
  const { size, mtimeMs, ino } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0, ino: 0 }))
  return `${size} ${mtimeMs} ${ino}`
}

async function summaryOf(folder: string): Promise<RunSummary> {
  const { metrics, trials, records, needs } = await readSweep(folder)
  const { ranked, failed } = rank(records, metrics)
  // The sweep writes this file when it begins.
  const { mtime } = await stat(join(folder, 'sweep.json'))
  const best = ranked[0]?.metric
  const name = basename(resolve(folder))
  return {
    id: name,
    state: records.length < trials ? 'incomplete' : 'succeeded',
    file: name,
    tag: '!Sweep',
    startedAt: mtime.toISOString(),
    user: '',
    host: records[0]?.host ?? '',
    command: '',
    options: {},
    values: best === undefined ? {} : { [metrics[0]!.name]: best },
    sweep: {
      metrics,
      trials,
      repeat: repeatRun(join(folder, 'failed', '{trial}.yaml'), { modules: [], seed: '{seed}', needs }),
      done: ranked.length,
      failed: failed.length,
    },
  }
}
