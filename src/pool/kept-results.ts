import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError } from '../errors.js'
import type { PackedResult } from './engine.js'

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

interface Place {
  readonly key: string
  /** In bytes. */
  readonly start: number
  readonly length: number
}

const newline = 10

/** Results in a file, as tasks come to them: only where each one lies is in memory. */
export class KeptResults {
  readonly #places = new Map<string, Place>()
  #written = Promise.resolve()

  private constructor(readonly file: FileHandle) {}

  /** @throws {@link ResourceError} when there are results that nobody said what to do with. */
  static async open({ output, resume = false, force = false }: KeepOptions): Promise<KeptResults> {
    await mkdir(output, { recursive: true })
    const kept = new KeptResults(await open(join(output, 'done.jsonl'), 'a+', 0o600))
    if (force && !resume) await kept.file.truncate()
    await kept.#read()
    const { size } = kept.#places
    if (resume || size === 0) return kept
    await kept.close()
    throw resultsExist(output, size)
  }

  /** The result of a task, if it is there. */
  async find(id: string, key: string): Promise<KeptResult | undefined> {
    const place = this.#places.get(id)
    if (place?.key !== key) return undefined
    const { buffer } = await this.file.read(Buffer.alloc(place.length), 0, place.length, place.start)
    return JSON.parse(buffer.toString())
  }

  /** Settles when it is in the file. */
  add(result: KeptResult): Promise<void> {
    this.#written = this.#written.then(() => this.file.appendFile(`${JSON.stringify(result)}\n`))
    return this.#written
  }

  async close(): Promise<void> {
    await this.#written.catch(() => {})
    await this.file.close()
  }

  // A line that was cut off while it was written is none, and nothing may stand right behind it.
  async #read(): Promise<void> {
    let start = 0
    for await (const line of linesOf(this.file)) {
      const result = parsed(line)
      if (result) this.#places.set(result.id, { key: result.key, start, length: line.length })
      start += line.length + 1
    }
    await this.file.truncate(start)
  }
}

async function* linesOf(file: FileHandle): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      yield rest.subarray(0, end)
      rest = rest.subarray(end + 1)
    }
  }
}

// After a power cut, anything may be in a file.
function parsed(line: Buffer): KeptResult | undefined {
  try {
    return JSON.parse(line.toString())
  } catch {
    return undefined
  }
}

function resultsExist(output: string, count: number): ResourceError {
  const results = count === 1 ? 'the result of one task' : `the results of ${count} tasks`
  const ways = 'go on with "resume", begin anew with "force", or name another "output"'
  return new ResourceError(`"${output}" has ${results} already: ${ways}`, { code: 'RESULTS_EXIST' })
}
