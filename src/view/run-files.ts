import { open, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { rank, readSweep } from '../pool/sweep/records.js'
import { numbersOf } from '../records/numbers.js'
import type { RunRecord } from '../records/record.js'
import { readRecord, runIds } from '../records/runs.js'
import { fromJson } from '../util/json.js'
import { repeatRun } from '../util/repeat-command.js'
import { commandLine } from '../util/shell.js'
import type { RunDetail, RunSummary, RunText, TextPart } from './data.js'

/** The files of a run on the disk. */
export interface RunFiles {
  readonly summary: RunSummary
  /** The whole of what is known, but the long files. */
  detail(): Promise<RunDetail>
  /** The path of a long file, which may not exist. */
  path(text: RunText): string
}

/** Where a record has its long files. */
const recordTexts: Readonly<Record<RunText, string>> = {
  trials: 'trials.jsonl',
  metrics: 'metrics.jsonl',
  log: 'log.txt',
  'trial-log': 'trials.log',
}

/** The run of a record. */
export async function recordedRun(folder: string): Promise<RunFiles> {
  const record = await readRecord(folder)
  const summary = await summaryOf(record, folder)
  return {
    summary,
    path: (text) => join(folder, recordTexts[text]),
    async detail() {
      const [yaml, result] = await Promise.all(
        ['run.yaml', 'result.json'].map((name) => readText(join(folder, name))),
      )
      const { error, problems } = record
      return {
        ...summary,
        environment: environmentOf(record),
        ...(yaml !== undefined && { yaml }),
        ...(result !== undefined && { result: fromJson(result) }),
        ...(error !== undefined && { error }),
        ...(problems && { problems }),
      }
    },
  }
}

/** The runs in a folder of records, the latest first; those that have ended are read once. */
export class RecordedRuns {
  readonly #ended = new Map<string, RunSummary>()

  constructor(readonly folder: string) {}

  async list(): Promise<RunSummary[]> {
    const ids = (await runIds(this.folder)).slice(0, mostListed)
    const found: RunSummary[] = []
    for (const id of ids) {
      const summary = this.#ended.get(id) ?? (await this.#read(id))
      if (summary) found.push(summary)
    }
    return found
  }

  async find(id: string): Promise<RunFiles | undefined> {
    return (await runIds(this.folder)).includes(id) ? recordedRun(join(this.folder, id)) : undefined
  }

  async #read(id: string): Promise<RunSummary | undefined> {
    const run = await recordedRun(join(this.folder, id)).catch(() => undefined)
    if (run?.summary.endedAt !== undefined) this.#ended.set(id, run.summary)
    return run?.summary
  }
}

/** The most runs that the page lists. */
const mostListed = 2000

async function summaryOf(record: RunRecord, folder: string): Promise<RunSummary> {
  const { id, state, file, tag, startedAt, user, host, cluster, argv, git, options, defaults, sweep } = record
  const { exitCode, endedAt } = record
  const trials = sweep ? await countTrials(join(folder, recordTexts.trials)) : undefined
  return {
    id,
    state,
    file,
    tag,
    startedAt,
    user,
    host,
    command: argv.length > 0 ? commandLine(['flambeau', ...argv]) : '',
    options: { ...options, ...defaults } as RunSummary['options'],
    values: record.values ?? (await lastValues(join(folder, recordTexts.metrics))),
    ...(exitCode !== undefined && { exitCode }),
    ...(endedAt !== undefined && { endedAt }),
    ...(cluster && { cluster: cluster.name }),
    ...(git && { commit: git.commit, isDirty: git.dirty }),
    ...(sweep &&
      trials && { sweep: { metrics: sweep.metrics, trials: sweep.trials, repeat: sweep.repeat, ...trials } }),
  }
}

async function countTrials(path: string): Promise<{ done: number; failed: number }> {
  const text = (await readText(path)) ?? ''
  return { done: count(text, '"state":"done"'), failed: count(text, '"state":"failed"') }
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}

/** How much of the end of a file is read for its last line, in bytes. */
const endSize = 1 << 16

/** The numbers of the last progress. */
async function lastValues(path: string): Promise<Record<string, number>> {
  const { size } = await stat(path).catch(() => ({ size: 0 }))
  const { text } = await readPart(path, Math.max(0, size - endSize))
  const line = text.trimEnd().split('\n').at(-1) ?? ''
  try {
    return numbersOf(JSON.parse(line))
  } catch {
    return {}
  }
}

function environmentOf({ node, flambeau, folder, packages, modules }: RunRecord): Record<string, string> {
  const hashes = Object.entries(modules).map(([path, hash]) => [path, `sha256 ${hash.slice(0, 12)}`])
  return { Node: node, flambeau, folder, ...packages, ...Object.fromEntries(hashes) }
}

/** The run of the `output` folder of a sweep, of which there may be no record. */
export async function sweepRun(folder: string): Promise<RunFiles> {
  const { metric, goal, trials, records } = await readSweep(folder)
  const { ranked, failed } = rank(records, goal)
  const { mtime } = await stat(join(folder, 'results.jsonl'))
  const best = ranked[0]?.metric
  const name = basename(resolve(folder))
  const summary: RunSummary = {
    id: name,
    state: 'succeeded',
    file: name,
    tag: '!Sweep',
    startedAt: mtime.toISOString(),
    user: '',
    host: records[0]?.host ?? '',
    command: '',
    options: {},
    values: best === undefined ? {} : { [metric]: best },
    sweep: {
      metrics: [{ name: metric, goal }],
      trials,
      repeat: repeatRun(join(folder, 'failed', '{trial}.yaml'), []),
      done: ranked.length,
      failed: failed.length,
    },
  }
  const names: Readonly<Record<RunText, string>> = { ...recordTexts, trials: 'results.jsonl' }
  return { summary, detail: async () => summary, path: (text) => join(folder, names[text]) }
}

/** The most bytes of a file in one part. */
const largestPart = 1 << 22

/** Reads whole lines of a file from a byte on; nothing when there is no such file. */
export async function readPart(path: string, from: number): Promise<TextPart> {
  const file = await open(path).catch(() => undefined)
  if (!file) return { text: '', next: from }
  try {
    const { size } = await file.stat()
    const length = Math.max(0, Math.min(size - from, largestPart))
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
    const end = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1
    // A line that is longer than a part is cut.
    const whole = end > 0 || bytesRead < largestPart ? end : bytesRead
    return { text: buffer.subarray(0, whole).toString(), next: from + whole }
  } finally {
    await file.close()
  }
}

function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
