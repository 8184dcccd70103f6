import { join } from 'node:path'
import type { PackedResult } from './engine.js'
import { JsonLines, type Place } from './json-lines.js'
import { notWritten } from './not-written.js'
import { OutputLock } from './output-lock.js'
import { unpackResult } from './packed-result.js'
import { resultsExist } from './results-exist.js'
import { setAside } from './set-aside.js'
import { editedResults, misfit } from './stored-shape.js'

/** A task that has come to its result: one line of `done.jsonl`. */
export interface KeptResult {
  readonly id: string
  /** Tells whether it is still the same task. */
  readonly key: string
  readonly result: PackedResult
  readonly attempts: number
  readonly durationMs: number
  readonly host: string
}

/** Where results are kept, and what becomes of those that are there. */
export interface KeepOptions {
  /** A folder. */
  readonly output: string
  readonly resume?: boolean | undefined
  readonly force?: boolean | undefined
}

const fileName = 'done.jsonl'

/** Results in a file, as tasks come to them: only where each one lies is in memory. */
export class KeptResults {
  readonly #places = new Map<string, Place & { readonly key: string }>()

  private constructor(
    readonly path: string,
    readonly lines: JsonLines<KeptResult>,
    readonly lock: OutputLock,
  ) {}

  /**
   * @throws {@link ResourceError} when there are results that nobody said what to do with, or while another map writes
   * into the folder.
   */
  static async open(options: KeepOptions): Promise<KeptResults> {
    const { output, force } = options
    const lock = await OutputLock.acquire(output)
    try {
      if (force) await setAside(output, { '': /^done\.jsonl$/ })
      const path = join(output, fileName)
      const kept = new KeptResults(path, await JsonLines.open(path, notKept), lock)
      await kept.#begin(options).catch((thrown) => kept.lines.close().then(() => Promise.reject(thrown)))
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
  async find(id: string, key: string): Promise<KeptResult | undefined> {
    const place = this.#places.get(id)
    if (place?.key !== key) return undefined
    const kept = await this.lines.at(place)
    if (!isWhole(kept.result))
      throw editedResults(`The result of "${id}" in "${this.lines.path}"`, 'it is no JSON')
    return kept
  }

  /** Settles when it is in the file. */
  add(result: KeptResult): Promise<void> {
    return this.lines.append(result).catch((cause) => {
      throw notWritten(this.path, cause)
    })
  }

  async close(): Promise<void> {
    await this.lines.close()
    await this.lock.release()
  }

  async #begin({ output, resume = false }: KeepOptions): Promise<void> {
    let last = { start: 0, length: 0 }
    for await (const { item, start, length } of this.lines.read()) {
      last = { start, length }
      this.#places.set(item.id, { key: item.key, ...last })
    }
    const count = this.#places.size
    if (count > 0 && !resume) throw resultsExist({ output, count, of: 'task' })
    await this.lines.endAt(last)
  }
}

function notKept(item: object): string | undefined {
  const { result } = item as Partial<KeptResult>
  const shape = { id: 'string', key: 'string', result: 'object' } as const
  const facts = { attempts: 'number', durationMs: 'number', host: 'string' } as const
  return misfit(item, { ...shape, ...facts }) ?? misfit(result, shapeOf(result!))
}

function shapeOf(result: PackedResult) {
  return 'file' in result ? ({ file: 'string', bytes: 'number' } as const) : ({ json: 'string?' } as const)
}

function isWhole(result: PackedResult): boolean {
  try {
    unpackResult(result)
    return true
  } catch {
    return false
  }
}
