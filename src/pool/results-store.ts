import { mkdir, readdir, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { FlambeauError, ResourceError } from '../errors.js'
import { resultLostCode } from '../util/exit-codes.js'
import type { PackedResult } from './engine.js'
import { editedResults, JsonLines, type LineRange, shapeMismatch } from './json-lines.js'
import { OutputLock } from './output-lock.js'
import { unpackResult } from './serialize.js'

/** A task that has come to its result: one line of `done.jsonl`. */
export interface StoredResult {
  readonly id: string
  /** Tells whether it is still the same task. */
  readonly key: string
  readonly result: PackedResult
  readonly attempts: number
  readonly durationMs: number
  readonly host: string
}

/** Where results are kept, and what becomes of those that are there. */
interface StoreOptions {
  /** A folder. */
  readonly output: string
  readonly resume?: boolean | undefined
  readonly force?: boolean | undefined
}

const fileName = 'done.jsonl'

/** Results in a file, as tasks come to them: only where each one lies is in memory. */
export class ResultsStore {
  readonly #lineRanges = new Map<string, LineRange & { readonly key: string }>()

  private constructor(
    readonly path: string,
    readonly lines: JsonLines<StoredResult>,
    readonly lock: OutputLock,
  ) {}

  /**
   * @throws {@link ResourceError} when there are results that nobody said what to do with, or while another map writes
   * into the folder.
   */
  static async open(options: StoreOptions): Promise<ResultsStore> {
    const { output, force } = options
    const lock = await OutputLock.acquire(output)
    try {
      if (force) await archiveFiles(output, { '': /^done\.jsonl$/ })
      const path = join(output, fileName)
      const kept = new ResultsStore(path, await JsonLines.open(path, resultMismatch), lock)
      await kept.#load(options).catch((thrown) => kept.lines.close().then(() => Promise.reject(thrown)))
      return kept
    } catch (thrown) {
      await lock.release()
      throw thrown
    }
  }

  /**
   * The result of a task, if it is there.
   *
   * @throws {@link ResourceError} when something else has changed it.
   */
  async find(id: string, key: string): Promise<StoredResult | undefined> {
    const place = this.#lineRanges.get(id)
    if (place?.key !== key) return undefined
    const kept = await this.lines.readLine(place)
    if (!isReadable(kept.result))
      throw editedResults(`The result of "${id}" in "${this.lines.path}"`, 'it is no JSON')
    return kept
  }

  /** Settles when it is in the file. */
  add(result: StoredResult): Promise<void> {
    return this.lines.append(result).catch((cause) => {
      throw notWritten(this.path, cause)
    })
  }

  async close(): Promise<void> {
    await this.lines.close()
    await this.lock.release()
  }

  async #load({ output, resume = false }: StoreOptions): Promise<void> {
    let last = { start: 0, length: 0 }
    for await (const { item, start, length } of this.lines.read()) {
      last = { start, length }
      this.#lineRanges.set(item.id, { key: item.key, ...last })
    }
    const count = this.#lineRanges.size
    if (count > 0 && !resume) throw resultsExist({ output, count, of: 'task' })
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
  readonly of: 'trial' | 'task'
}

/** There are results that nobody said what to do with. */
export function resultsExist(found: FoundResults): ResourceError {
  const ways = 'go on with "resume", begin anew with "force", or name another "output"'
  return resultsExistError(`${describeFound(found)} already: ${ways} (as flags "--resume", "--force")`)
}

/** A sweep should go on with results that are all of another one. */
export function resultsOfOtherSweep(found: Omit<FoundResults, 'of'>): ResourceError {
  const ways =
    'write "each" as it was, name another "output", or begin anew with "force" (as a flag "--force")'
  return resultsExistError(`${describeFound({ ...found, of: 'trial' })}, but of none of this sweep: ${ways}`)
}

function describeFound({ output, count, of }: FoundResults): string {
  return `"${output}" has ${count === 1 ? `the result of one ${of}` : `the results of ${count} ${of}s`}`
}

function resultsExistError(message: string): ResourceError {
  return new ResourceError(message, { code: 'RESULTS_EXIST' })
}

/** Names of what a run makes in a folder, by the folder below it in which they are: `''` for itself. */
export type OwnFileNames = Readonly<Record<string, RegExp>>

/**
 * Moves what an earlier run has made in a folder into a folder of its own below it, `old/TIME`. Nothing is deleted, and
 * what others have put there stays.
 */
export async function archiveFiles(folder: string, made: OwnFileNames): Promise<void> {
  const aside = join(folder, 'old', new Date().toISOString().replace(/[:.]/g, '-'))
  for (const [below, pattern] of Object.entries(made)) {
    const from = join(folder, below)
    const names = (await readdir(from).catch(() => [])).filter((name) => pattern.test(name))
    if (names.length === 0) continue
    await mkdir(join(aside, below), { recursive: true })
    for (const name of names) await rename(join(from, name), join(aside, below, name))
    // Unless something else is in it.
    if (below !== '') await rmdir(from).catch(() => {})
  }
}

/** Names the file that a result cannot be written to: a full disk, a folder that is gone. */
export function notWritten(path: string, cause: unknown): FlambeauError {
  const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
  const message = `A result could not be written to "${path}" (${reason})`
  return new FlambeauError(message, { code: 'NOT_WRITTEN', exitCode: resultLostCode, cause })
}
