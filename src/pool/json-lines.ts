import { type FileHandle, open } from 'node:fs/promises'
import { ResourceError } from '../errors.js'
import { writeAtomically } from '../util/atomic-write.js'
import { fromJson, toJson } from '../util/json.js'

/** Where a line lies in its file, in bytes, without its end. */
export interface LineRange {
  readonly start: number
  readonly length: number
}

const newline = 10

/** Says what is wrong with an item of a file; nothing when it is as it was written. */
type ItemCheck = (item: object) => string | undefined

/** A file of objects as JSON, one a line, which grows as they come. */
export class JsonLines<Item extends object> {
  #written = Promise.resolve()

  private constructor(
    readonly file: FileHandle,
    readonly path: string,
    readonly checkItem: ItemCheck,
  ) {}

  /** @throws {@link ResourceError} when it cannot be opened. */
  static async open<Item extends object>(
    path: string,
    misfit: ItemCheck = () => undefined,
    flags: 'a+' | 'r' = 'a+',
  ): Promise<JsonLines<Item>> {
    const file = await open(path, flags, 0o600).catch((cause) => Promise.reject(unreadable(path, cause)))
    return new JsonLines(file, path, misfit)
  }

  /**
   * All of a file; nothing where it is not there.
   *
   * @throws {@link ResourceError} when it cannot be read, or something else has changed a line.
   */
  static async readAll<Item extends object>(path: string, misfit?: ItemCheck): Promise<Item[]> {
    const lines = await JsonLines.open<Item>(path, misfit, 'r').catch(ignoreMissing)
    const items: Item[] = []
    if (!lines) return items
    try {
      for await (const { item } of lines.read()) items.push(item)
    } finally {
      await lines.close()
    }
    return items
  }

  /** Puts a file in place whole: whatever is killed meanwhile, the old lines or the new ones are there. */
  static async replace(path: string, items: readonly object[]): Promise<void> {
    await writeAtomically(path, items.map(lineOf).join(''))
  }

  /**
   * What is there. A line that was cut off while it was written is none; after a power cut, anything may be in one.
   *
   * @throws {@link ResourceError} when something else has changed a line, or it cannot be read.
   */
  async *read(): AsyncGenerator<LineRange & { readonly item: Item }> {
    let start = 0
    let number = 0
    for await (const line of linesOf(this)) {
      number++
      const item = parsed<Item>(line)
      const why = item && this.checkItem(item)
      if (why !== undefined) throw editedResults(`Line ${number} of "${this.path}"`, why)
      if (item) yield { item, start, length: line.length }
      start += line.length + 1
    }
  }

  async readLine({ start, length }: LineRange): Promise<Item> {
    const { buffer } = await this.file.read(Buffer.alloc(length), 0, length, start)
    return fromJson(buffer.toString())
  }

  /** Takes away what is behind the last line, so that nothing will stand right behind a broken one. */
  async truncateAfter({ start, length }: LineRange): Promise<void> {
    await this.file.truncate(start + length)
    if (length > 0) await this.file.appendFile('\n')
  }

  /** Settles when it is in the file. */
  append(item: Item): Promise<void> {
    this.#written = this.#written.then(() => this.file.appendFile(lineOf(item)))
    return this.#written
  }

  async close(): Promise<void> {
    await this.#written.catch(() => {})
    await this.file.close()
  }
}

async function* linesOf({ file, path }: JsonLines<object>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of chunksOf(file, path)) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      yield rest.subarray(0, end)
      rest = rest.subarray(end + 1)
    }
  }
  yield rest
}

function parsed<Item extends object>(line: Buffer): Item | undefined {
  try {
    const item = fromJson(line.toString())
    return typeof item === 'object' && item !== null && !Array.isArray(item) ? item : undefined
  } catch {
    return undefined
  }
}

function lineOf(item: object): string {
  return `${toJson(item)}\n`
}

async function* chunksOf(file: FileHandle, path: string): AsyncGenerator<Buffer> {
  try {
    yield* file.createReadStream({ start: 0, autoClose: false })
  } catch (cause) {
    throw unreadable(path, cause as NodeJS.ErrnoException)
  }
}

function unreadable(path: string, cause: NodeJS.ErrnoException): ResourceError {
  const what = cause.code === 'ENOENT' ? 'is not there' : `cannot be opened or read (${cause.code})`
  return new ResourceError(`"${path}" ${what}: check "output"`, { code: 'UNREADABLE', cause })
}

function ignoreMissing(error: ResourceError): undefined {
  if ((error.cause as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

/** What a field of stored data is: `?` lets it be absent. */
type FieldKind = 'string' | 'number' | 'boolean' | 'object' | `${'string' | 'number' | 'boolean' | 'object'}?`

/** The fields of stored data. Others may be there. */
export type Shape = Readonly<Record<string, FieldKind>>

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  object: 'a mapping',
}

/** Says what is wrong with data that was stored, and perhaps edited since; nothing when it has its shape. */
export function shapeMismatch(stored: unknown, shape: Shape): string | undefined {
  if (!isObject(stored)) return 'it must be a mapping'
  for (const [name, kind] of Object.entries(shape)) {
    const value = stored[name]
    const [plain = ''] = kind.split('?')
    if (value === undefined && kind.endsWith('?')) continue
    if (!isKind(value, plain))
      return value === undefined ? `"${name}" is missing` : `"${name}" must be ${kinds[plain]}`
  }
  return undefined
}

function isKind(value: unknown, kind: string): boolean {
  if (kind === 'object') return isObject(value)
  return kind === 'number' ? Number.isFinite(value) : typeof value === kind
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The error for a file of results that was changed by something else. */
export function editedResults(where: string, why: string): ResourceError {
  const message = `${where} is not what was written there: ${why}; repair or remove it, or begin anew with "force" (as a flag "--force")`
  return new ResourceError(message, { code: 'EDITED_RESULTS' })
}
