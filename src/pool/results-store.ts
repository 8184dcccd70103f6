import { mkdir, readdir, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError, throwNotWritten } from '../errors.js'
import type { PackedResult } from './engine.js'
import { editedResults, JsonLines, type LineRange, shapeMismatch } from './json-lines.js'
import { OutputLock } from './output-lock.js'
import { unpackResult } from './serialize.js'

/** The result of a task: one line of `done.jsonl`. */
export interface StoredResult {
  readonly id: string
  /** The hash of the task, to notice that it was changed. */
  readonly key: string
  readonly result: PackedResult
  readonly attempts: number
  readonly durationMs: number
  readonly host: string
}

interface StoreOptions {
  /** The folder of the results. */
  readonly output: string
  /** Whether to use results that are in it. */
  readonly resume: boolean
  /** Whether to archive results that are in it. */
  readonly force: boolean
}

const fileName = 'done.jsonl'

/** The results of a map in a file. Only the range of each line is in memory. */
export class ResultsStore {
  readonly #lineRanges = new Map<string, LineRange & { readonly key: string }>()

  private constructor(
    readonly path: string,
    readonly lines: JsonLines<StoredResult>,
    readonly lock: OutputLock,
  ) {}

  /**
   * @throws {@link ResourceError} when there are results, and neither `resume` nor `force`; or while another map writes
   * into the folder.
   */
  static async open(options: StoreOptions): Promise<ResultsStore> {
    const { output, force } = options
    const lock = await OutputLock.acquire(output)
    try {
      if (force) await archiveFiles(output, { '': /^done\.jsonl$/ })
      const path = join(output, fileName)
      const store = new ResultsStore(path, await JsonLines.open(path, resultMismatch), lock)
      await store.#load(options).catch((thrown) => store.lines.close().then(() => Promise.reject(thrown)))
      return store
    } catch (thrown) {
      await lock.release()
      throw thrown
    }
  }

  /**
   * The result of a task, if there is one.
   *
   * @throws {@link ResourceError} when somebody has edited it.
   */
  async find(id: string, key: string): Promise<StoredResult | undefined> {
    const range = this.#lineRanges.get(id)
    if (range?.key !== key) return undefined
    const stored = await this.lines.readLine(range)
    if (!isReadable(stored.result))
      throw editedResults(`The result of "${id}" in "${this.lines.path}"`, 'it is not JSON')
    return stored
  }

  /** Settles when the result is in the file. */
  add(result: StoredResult): Promise<void> {
    return this.lines.append(result)
  }

  async close(): Promise<void> {
    try {
      await this.lines.close()
    } finally {
      await this.lock.release()
    }
  }

  async #load({ output, resume }: StoreOptions): Promise<void> {
    let last = { start: 0, length: 0 }
    for await (const { item, start, length } of this.lines.read()) {
      last = { start, length }
      this.#lineRanges.set(item.id, { key: item.key, ...last })
    }
    const count = this.#lineRanges.size
    if (count > 0 && !resume) throw resultsExist({ output, count, kind: 'task' })
    await this.lines.truncateAfter(last)
  }
}

function resultMismatch(item: object): string | undefined {
  const { result } = item as Partial<StoredResult>
  const shape = { id: 'string', key: 'string', result: 'object' } as const
  const facts = { attempts: 'number', durationMs: 'number', host: 'string' } as const
  return shapeMismatch(item, { ...shape, ...facts }) ?? shapeMismatch(result, resultShape(result!))
}

function resultShape(result: PackedResult) {
  return 'file' in result ? ({ file: 'string', bytes: 'number' } as const) : ({ json: 'string?' } as const)
}

function isReadable(result: PackedResult): boolean {
  try {
    unpackResult(result)
    return true
  } catch {
    return false
  }
}

/** Results that an earlier sweep or map has left in a folder. */
interface FoundResults {
  readonly output: string
  readonly count: number
  readonly kind: 'trial' | 'task'
}

/** The error for results that nobody said what to do with. */
export function resultsExist(found: FoundResults): ResourceError {
  const advice = 'continue with "resume", start over with "force", or name another "output"'
  return resultsExistError(`${describeFound(found)} already: ${advice} (as flags "--resume", "--force")`)
}

/** The error for a sweep that should continue with the results of another sweep. */
export function resultsOfOtherSweep(found: Omit<FoundResults, 'kind'>): ResourceError {
  const advice =
    'write "each" as it was, name another "output", or start over with "force" (as a flag "--force")'
  const results = describeFound({ ...found, kind: 'trial' })
  return resultsExistError(`${results}, but none of this sweep: ${advice}`)
}

function describeFound({ output, count, kind }: FoundResults): string {
  return `"${output}" has ${count === 1 ? `the result of one ${kind}` : `the results of ${count} ${kind}s`}`
}

function resultsExistError(message: string): ResourceError {
  return new ResourceError(message, { code: 'RESULTS_EXIST' })
}

/** The names of the files that a run makes, by subfolder; `''` is the folder itself. */
export type OwnFileNames = Readonly<Record<string, RegExp>>

/**
 * Moves the files of an earlier run in a folder to `old/TIME` below it. Deletes nothing, and leaves other files alone.
 */
export async function archiveFiles(folder: string, own: OwnFileNames): Promise<void> {
  const archive = join(folder, 'old', new Date().toISOString().replace(/[:.]/g, '-'))
  for (const [subfolder, pattern] of Object.entries(own)) {
    const source = join(folder, subfolder)
    const names = (await readdir(source).catch(() => [])).filter((name) => pattern.test(name))
    if (names.length === 0) continue
    const target = join(archive, subfolder)
    await moveFiles(source, target, names).catch(throwNotWritten(target))
    // Fails when other files are in it.
    if (subfolder !== '') await rmdir(source).catch(() => {})
  }
}

async function moveFiles(source: string, target: string, names: readonly string[]): Promise<void> {
  await mkdir(target, { recursive: true })
  for (const name of names) await rename(join(source, name), join(target, name))
}
