import { join } from 'node:path'
import { numbersOf } from '../records/numbers.js'
import type { RunRecord } from '../records/record.js'
import { readRecord, runIds } from '../records/runs.js'
import { mapLimited } from '../util/concurrency.js'
import { fromJson } from '../util/json.js'
import { commandLine } from '../util/shell.js'
import type { RunDetail, RunList, RunSummary, RunText, TextPart } from './data.js'
import { readEnd, readPart, readWhole } from './text-part.js'
import { parseLine, TrialTally } from './trial-tally.js'

/** The files of a run on the disk. They are read again with each call: the run may still be under way. */
export interface RunFiles {
  summary(): Promise<RunSummary>
  /** The whole of what is known, but the long files. */
  detail(): Promise<RunDetail>
  /** A part of a long file from an offset on; an empty text when there is nothing more, or no such file. */
  read(text: RunText, from: number): Promise<TextPart>
}

/** The long files of a record. */
const fileNames: Readonly<Record<RunText, string>> = {
  trials: 'trials.jsonl',
  metrics: 'metrics.jsonl',
  log: 'log.txt',
  'trial-log': 'trials.log',
}

/** The run of a record. */
export class RecordedRun implements RunFiles {
  readonly #tally: TrialTally
  #ended: RunSummary | undefined

  constructor(readonly folder: string) {
    this.#tally = new TrialTally({ folder, name: fileNames.trials })
  }

  async summary(): Promise<RunSummary> {
    return this.#ended ?? this.#summaryOf(await readRecord(this.folder))
  }

  async detail(): Promise<RunDetail> {
    const record = await readRecord(this.folder)
    const [summary, yaml, result] = await Promise.all([
      this.#summaryOf(record),
      readWhole({ folder: this.folder, name: 'run.yaml' }),
      readWhole({ folder: this.folder, name: 'result.json' }),
    ])
    const { error, problems } = record
    return {
      ...summary,
      environment: environmentOf(record),
      ...(yaml !== undefined && { yaml }),
      ...(result !== undefined && { result: parseResult(result) }),
      ...(error !== undefined && { error }),
      ...(problems && { problems }),
    }
  }

  read(text: RunText, from: number): Promise<TextPart> {
    // A run may be killed within a line of its log.
    const unit = text === 'log' ? 'character' : 'line'
    return readPart({ folder: this.folder, name: fileNames[text] }, from, unit)
  }

  async #summaryOf(record: RunRecord): Promise<RunSummary> {
    const { id, state, file, tag, startedAt, user, host, cluster, argv, git, options, defaults } = record
    const { exitCode, endedAt } = record
    const summary = {
      id,
      state,
      file,
      tag,
      startedAt,
      user,
      host,
      command: argv.length > 0 ? commandLine(['flambeau', ...argv]) : '',
      options: { ...options, ...defaults } as RunSummary['options'],
      ...(await this.#valuesOf(record)),
      ...(exitCode !== undefined && { exitCode }),
      ...(endedAt !== undefined && { endedAt }),
      ...(cluster && { cluster: cluster.name }),
      ...(git && { commit: git.commit, isDirty: git.dirty }),
    }
    if (endedAt !== undefined) this.#ended = summary
    return summary
  }

  async #valuesOf({ sweep, values }: RunRecord): Promise<Pick<RunSummary, 'values' | 'sweep'>> {
    if (!sweep) return { values: values ?? (await this.#lastValues()) }
    const [objective] = sweep.metrics
    const { best, done, failed } = await this.#tally.counts(objective?.goal)
    const bestValues = objective && best !== undefined ? { [objective.name]: best } : {}
    const { metrics, trials, repeat } = sweep
    return { values: values ?? bestValues, sweep: { metrics, trials, repeat, done, failed } }
  }

  /** The numbers of the last progress. */
  async #lastValues(): Promise<Record<string, number>> {
    const text = await readEnd({ folder: this.folder, name: fileNames.metrics }, endSize)
    return numbersOf(parseLine(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1)!))
  }
}

/** How much of the end of a file is read for its last line, in bytes. */
const endSize = 1 << 16

// What is damaged, or too large, is shown as the text that it is.
function parseResult(text: string): unknown {
  try {
    return fromJson(text)
  } catch {
    return text
  }
}

function environmentOf({ node, flambeau, folder, packages, modules }: RunRecord): Record<string, string> {
  const hashes = Object.entries(modules).map(([path, hash]) => [path, `sha256 ${hash.slice(0, 12)}`])
  return { Node: node, flambeau, folder, ...packages, ...Object.fromEntries(hashes) }
}

/** The runs in a folder of records, the latest first; those that have ended are read once. */
export class RecordedRuns {
  readonly #runs = new Map<string, RecordedRun>()

  constructor(readonly folder: string) {}

  async list(): Promise<RunList> {
    const ids = await runIds(this.folder)
    const latest = ids.slice(0, mostListed)
    const found = await mapLimited(latest, maxConcurrency, (id) =>
      this.#run(id)
        .summary()
        .catch(() => undefined),
    )
    return { runs: found.filter((run) => run !== undefined), total: ids.length }
  }

  async find(id: string): Promise<RunFiles | undefined> {
    return (await runIds(this.folder)).includes(id) ? this.#run(id) : undefined
  }

  #run(id: string): RecordedRun {
    const run = this.#runs.get(id) ?? new RecordedRun(join(this.folder, id))
    this.#runs.set(id, run)
    return run
  }
}

/** The most runs that the page lists. */
const mostListed = 2000
/** How many records are read at once. */
const maxConcurrency = 16
