import { existsSync } from 'node:fs'
import { type FileHandle, open, rename, writeFile } from 'node:fs/promises'
import { fromJson, toJson } from '../util/json.js'

/** Where a line lies in its file, in bytes, without its end. */
export interface Place {
  readonly start: number
  readonly length: number
}

const newline = 10

/** A file of objects as JSON, one a line, which grows as they come. */
export class JsonLines<Item extends object> {
  #written = Promise.resolve()

  private constructor(readonly file: FileHandle) {}

  static async open<Item extends object>(path: string, flags: 'a+' | 'r' = 'a+'): Promise<JsonLines<Item>> {
    return new JsonLines(await open(path, flags, 0o600))
  }

  /** All of a file; nothing where it is not there. */
  static async all<Item extends object>(path: string): Promise<Item[]> {
    if (!existsSync(path)) return []
    const lines = await JsonLines.open<Item>(path, 'r')
    const items: Item[] = []
    try {
      for await (const { item } of lines.read()) items.push(item)
    } finally {
      await lines.close()
    }
    return items
  }

  /** Puts a file in place whole: whatever is killed meanwhile, the old lines or the new ones are there. */
  static async replace(path: string, items: readonly object[]): Promise<void> {
    await writeFile(`${path}.new`, items.map(lineOf).join(''), { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  /** What is there. A line that was cut off while it was written is none; after a power cut, anything may be in one. */
  async *read(): AsyncGenerator<Place & { readonly item: Item }> {
    let start = 0
    for await (const line of linesOf(this.file)) {
      const item = parsed<Item>(line)
      if (item) yield { item, start, length: line.length }
      start += line.length + 1
    }
  }

  async at({ start, length }: Place): Promise<Item> {
    const { buffer } = await this.file.read(Buffer.alloc(length), 0, length, start)
    return fromJson(buffer.toString())
  }

  /** Takes away what is behind the last line, so that nothing will stand right behind a broken one. */
  async endAt({ start, length }: Place): Promise<void> {
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

async function* linesOf(file: FileHandle): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) {
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
