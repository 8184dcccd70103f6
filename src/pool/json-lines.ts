import { type FileHandle, open } from 'node:fs/promises'
import { ResourceError, throwNotWritten } from '../errors.js'
import { writeAtomically } from '../util/atomic-write.js'
import { fromJson, toJson } from '../util/json.js'
import { isMapping } from '../util/plain-object.js'

/** The bytes of a line in its file, without the line break. */
export interface LineRange {
  readonly start: number
  readonly length: number
}

const newline = 10

/** Returns what is wrong with an item of a file; `undefined` when it is as it was written. */
type ItemCheck = (item: object) => string | undefined

/** A file of JSON objects, one in each line, to which more are appended. */
export class JsonLines<Item extends object> {
  #written = Promise.resolve()

  private constructor(
    readonly file: FileHandle,
    readonly path: string,
    readonly checkItem: ItemCheck,
  ) {}

  /** @throws {@link ResourceError} when the file cannot be opened. */
  static async open<Item extends object>(
    path: string,
    checkItem: ItemCheck = () => undefined,
    flags: 'a+' | 'r' = 'a+',
  ): Promise<JsonLines<Item>> {
    const file = await open(path, flags, 0o600).catch((cause) => Promise.reject(unreadable(path, cause)))
    return new JsonLines(file, path, checkItem)
  }

  /**
   * All items of a file; none when there is no such file.
   *
   * @throws {@link ResourceError} when the file cannot be read, or somebody has edited it.
   */
  static async readAll<Item extends object>(path: string, checkItem?: ItemCheck): Promise<Item[]> {
    const lines = await JsonLines.open<Item>(path, checkItem, 'r').catch(ignoreMissing)
    const items: Item[] = []
    if (!lines) return items
    try {
      for await (const { item } of lines.read()) items.push(item)
    } finally {
      await lines.close()
    }
    return items
  }

  /** Replaces a file as a whole: after a crash it has either the old or the new lines. */
  static async replace(path: string, items: readonly object[]): Promise<void> {
    await writeAtomically(path, items.map(lineOf).join('')).catch(throwNotWritten(path))
  }

  /**
   * The items of the file. A line that is not a JSON object is skipped: a crash may have cut it off. A file that has no
   * item at all is refused: something else wrote it.
   *
   * @throws {@link ResourceError} when the file cannot be read, or somebody has edited it.
   */
  async *read(): AsyncGenerator<LineRange & { readonly item: Item }> {
    let start = 0
    let number = 0
    let hasItem = false
    let other: Buffer | undefined
    for await (const line of linesOf(this)) {
      number++
      const item = parsed<Item>(line)
      const why = item && this.checkItem(item)
      if (why !== undefined) throw editedResults(`Line ${number} of "${this.path}"`, why)
      if (item) {
        hasItem = true
        yield { item, start, length: line.length }
      } else if (line.length > 0) other = line
      start += line.length + 1
    }
    const isCutOff = number === 1 && other !== undefined && cutOffItem.test(other.toString())
    if (other && !hasItem && !isCutOff)
      throw editedResults(`"${this.path}"`, 'none of its lines is a JSON object')
  }

  async readLine({ start, length }: LineRange): Promise<Item> {
    const { buffer } = await this.file.read(Buffer.alloc(length), 0, length, start)
    return fromJson(buffer.toString())
  }

  /** Removes what comes after a line, so that the next line does not continue a broken one. */
  async truncateAfter({ start, length }: LineRange): Promise<void> {
    await this.file.truncate(start + length)
    if (length > 0) await this.file.appendFile('\n')
  }

  /**
   * Settles when the item is in the file.
   *
   * @throws {@link FlambeauError} when the file cannot be written: a full disk, a folder that is gone.
   */
  append(item: Item): Promise<void> {
    this.#written = this.#written.then(() => this.file.appendFile(lineOf(item)))
    return this.#written.catch(throwNotWritten(this.path))
  }

  async close(): Promise<void> {
    await this.#written.catch(() => {})
    await this.file.close()
  }
}

/** The only line of a file whose writer crashed: the beginning of an item. */
const cutOffItem = /^\{(?:"|$)/

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
    return isMapping(item) ? (item as Item) : undefined
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
  const what = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code})`
  return new ResourceError(`"${path}" ${what}: check "output"`, { code: 'UNREADABLE', cause })
}

function ignoreMissing(error: ResourceError): undefined {
  if ((error.cause as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

/** The type of a field of stored data; a `?` makes it optional. */
type FieldKind = 'string' | 'number' | 'boolean' | 'object' | `${'string' | 'number' | 'boolean' | 'object'}?`

/** The fields of stored data, which may have more. */
export type Shape = Readonly<Record<string, FieldKind>>

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  object: 'a mapping',
}

/** Returns what is wrong with stored data that somebody may have edited; `undefined` when it has its shape. */
export function shapeMismatch(stored: unknown, shape: Shape): string | undefined {
  if (!isMapping(stored)) return 'it must be a mapping'
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
  if (kind === 'object') return isMapping(value)
  return kind === 'number' ? Number.isFinite(value) : typeof value === kind
}

/** The error for a file of results that somebody has edited. */
export function editedResults(where: string, why: string): ResourceError {
  const message = `${where} was edited: ${why}; repair or remove it, or start over with "force" (as a flag "--force")`
  return new ResourceError(message, { code: 'EDITED_RESULTS' })
}
