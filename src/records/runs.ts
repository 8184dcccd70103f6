import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ResourceError } from '../errors.js'
import { didYouMean } from '../registry/suggest.js'
import { writeAtomically } from '../util/atomic-write.js'
import { mapLimited } from '../util/concurrency.js'
import { fromJson } from '../util/json.js'
import { isMapping } from '../util/plain-object.js'
import { isAlive } from '../util/process-identity.js'
import { repeatCommand } from '../util/repeat-command.js'
import { readSafely } from '../util/thrown.js'
import { isEndState, type RecordState, type RunRecord } from './record.js'

/** What a list of runs shows of each. */
export interface RunEntry {
  readonly id: string
  readonly state: RecordState
  readonly exitCode?: number | undefined
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt?: string | undefined
  readonly file: string
  readonly tag: string
  /** The overrides. */
  readonly set: readonly string[]
  readonly user: string
  readonly host: string
  /** The name of the cluster on which it runs. */
  readonly cluster?: string | undefined
  /** The run for which a queued one waits. */
  readonly waitsFor?: string | undefined
  readonly commit?: string | undefined
  readonly error?: string | undefined
  /** Why Slurm ended it, as Slurm calls it. */
  readonly reason?: string | undefined
}

/** The file of a folder of records that spares to read each of them: what has ended does not change. */
const cacheName = '.index.json'
const idPattern = /^\d{8}-\d{6}-[0-9a-f]+$/
/** How many running processes are looked for at once. */
const maxConcurrency = 16

/** The ids of the runs in a folder of records, the latest first. */
export async function runIds(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => idPattern.test(name)).sort((a, b) => (a < b ? 1 : -1))
}

/** The latest runs of a folder of records, the latest first. What is no record, or is damaged, is left out. */
export async function listRuns(folder: string, limit = Number.POSITIVE_INFINITY): Promise<RunEntry[]> {
  const ids = await runIds(folder)
  const isAll = limit >= ids.length
  const cache = isAll ? await readCache(folder) : new Map<string, RunEntry>()
  const found = ids.slice(0, limit).map((id) => cache.get(id) ?? readEntry(folder, id))
  // Only these need to wait: thousands of promises take longer than the rest.
  const running = found.filter((entry) => entry !== undefined && 'record' in entry)
  const looked = await mapLimited(running, maxConcurrency, ({ record }) => withState(record))
  const known = found.flatMap((entry) => {
    if (entry === undefined) return []
    return 'record' in entry ? entryOf(looked.shift()!) : entry
  })
  if (isAll) await writeCache(folder, known, cache)
  return known
}

// Without waiting for each: thousands of small files are read sooner so.
function readEntry(folder: string, id: string): RunEntry | { record: RunRecord } | undefined {
  const record = parsed(() => readRegularSync(join(folder, id, 'run.json')))
  if (!record) return undefined
  return isEndState(record.state) ? entryOf(record) : { record }
}

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

// The folder may come with a repository: a link could lead to what has no end.
function readRegularSync(path: string): string {
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    return fstatSync(file).isFile() ? readFileSync(file, 'utf8') : ''
  } finally {
    closeSync(file)
  }
}

function entryOf(record: RunRecord): RunEntry {
  const { id, state, exitCode, startedAt, endedAt, file, tag, set, user, host, cluster, git, error } = record
  const { waitsFor, reason } = record
  const entry = {
    id,
    state,
    exitCode,
    startedAt,
    endedAt,
    file,
    tag,
    set,
    user,
    host,
    error,
    waitsFor,
    reason,
  }
  return { ...entry, cluster: cluster?.name, commit: git?.commit }
}

async function readCache(folder: string): Promise<Map<string, RunEntry>> {
  const text = await readFile(join(folder, cacheName), 'utf8').catch(() => '')
  try {
    const { format, entries } = JSON.parse(text) as { format: number; entries: RunEntry[] }
    return new Map(format === 1 ? entries.map((entry) => [entry.id, entry]) : [])
  } catch {
    return new Map()
  }
}

/** It is worth a cache from this many records on. */
const leastCached = 100

async function writeCache(
  folder: string,
  entries: readonly RunEntry[],
  cache: ReadonlyMap<string, RunEntry>,
): Promise<void> {
  // A run that is lost may be one whose host is away.
  const kept = entries.filter(({ state }) => isEndState(state) && state !== 'lost')
  if (kept.length < leastCached || (kept.length === cache.size && kept.every(({ id }) => cache.has(id))))
    return
  const text = JSON.stringify({ format: 1, entries: kept })
  await writeAtomically(join(folder, cacheName), text).catch(() => {})
}

/**
 * Reads the record of a run.
 *
 * @throws {@link ResourceError} when its `run.json` is damaged.
 */
export async function readRecord(folder: string): Promise<RunRecord> {
  const text = readSafely(() => readRegularSync(join(folder, 'run.json')), undefined)
  const record = text === undefined ? undefined : parsed(() => text)
  if (record) return withState(record)
  const what = text === undefined ? 'has no "run.json"' : 'has a damaged "run.json"'
  throw new ResourceError(`"${folder}" ${what}: it is no record of a run`, { code: 'NO_RECORD' })
}

function parsed(read: () => string): RunRecord | undefined {
  try {
    const record: unknown = fromJson(read())
    return isRecord(record) ? record : undefined
  } catch {
    return undefined
  }
}

const texts = ['id', 'state', 'file', 'tag', 'folder', 'startedAt', 'user', 'host']
const lists = ['argv', 'set', 'imports', 'origins']
const mappings = ['options', 'defaults', 'packages', 'modules']

/** Whether a value has what every record has: an incomplete one would fail wherever it is shown. */
function isRecord(value: unknown): value is RunRecord {
  return (
    isMapping(value) &&
    value['format'] === 1 &&
    texts.every((name) => typeof value[name] === 'string') &&
    lists.every((name) => Array.isArray(value[name])) &&
    mappings.every((name) => isMapping(value[name]))
  )
}

// A run without an end is lost when its process is gone, unless that is on another host.
async function withState(record: RunRecord): Promise<RunRecord> {
  const { state, process, host } = record
  if (isEndState(state) || !process || host !== hostname() || (await isAlive(process))) return record
  return { ...record, state: 'lost' }
}

/**
 * The id of the run that an id, the beginning of one, or `last` means; `last~1` is the one before the last.
 *
 * @throws {@link ResourceError} when there is none, or there are several.
 */
export async function findRun(folder: string, wanted: string): Promise<string> {
  const ids = await runIds(folder)
  const [latest] = ids
  if (latest === undefined) throw noRuns(folder)
  const [last, back = '0'] = /^last(?:~(\d{1,9}))?$/.exec(wanted) ?? []
  if (last !== undefined) return ids[Number(back)] ?? Promise.reject(tooFarBack(wanted, ids))
  const found = wanted === '' ? [] : ids.filter((id) => id.startsWith(wanted))
  if (found.length === 1 || found[0] === wanted) return found[0]!
  throw found.length === 0 ? noSuchRun(wanted, ids) : severalRuns(wanted, found)
}

function noRuns(folder: string): ResourceError {
  const message = `There is no run in "${folder}" yet: "flambeau run" records one`
  return new ResourceError(message, { code: 'NO_SUCH_RUN' })
}

function noSuchRun(wanted: string, ids: readonly string[]): ResourceError {
  const remedy =
    didYouMean(wanted, ids) || `: "${repeatCommand(['runs'])}" lists them, and "last" is ${ids[0]}`
  return new ResourceError(`There is no run "${wanted}"${remedy}`, { code: 'NO_SUCH_RUN' })
}

function tooFarBack(wanted: string, { length }: readonly string[]): ResourceError {
  const message = `There is no run "${wanted}": ${length} ${length === 1 ? 'run is' : 'runs are'} recorded`
  return new ResourceError(message, { code: 'NO_SUCH_RUN' })
}

const mostShown = 5

function severalRuns(wanted: string, ids: readonly string[]): ResourceError {
  const shown = ids.slice(0, mostShown).join(', ')
  const rest = ids.length > mostShown ? ` and ${ids.length - mostShown} more` : ''
  const message = `"${wanted}" is the beginning of ${ids.length} ids: ${shown}${rest}; type more of the one that you mean`
  return new ResourceError(message, { code: 'SEVERAL_RUNS' })
}
