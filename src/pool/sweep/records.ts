import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError } from '../../errors.js'

/** What is known of a trial that has settled: one line of `results.jsonl`. */
export interface TrialRecord {
  readonly trial: string
  readonly key: string
  /** What was chosen, by path. */
  readonly options: Readonly<Record<string, unknown>>
  /** The metric of its result; that of its last progress when it was stopped; absent when it failed. */
  readonly metric?: number
  readonly result?: unknown
  readonly durationMs: number
  readonly host: string
  readonly attempts: number
  /** It was ended early, being worse than the others. */
  readonly stopped?: true
  readonly error?: { readonly code: string; readonly message: string }
}

const name = 'results.jsonl'

/**
 * The records in a folder, in the order of writing; a line that was cut off while it was written is none.
 *
 * ```ts
 * const failed = (await readRecords('sweep')).filter(({ error }) => error !== undefined)
 * ```
 */
export async function readRecords(folder: string): Promise<TrialRecord[]> {
  const file = join(folder, name)
  if (!existsSync(file)) return []
  return (await readFile(file, 'utf8')).split('\n').flatMap(parsed)
}

/** Appends records to `results.jsonl` as trials settle. */
export class RecordFile {
  private constructor(readonly file: FileHandle) {}

  /** Begins anew, or behind the records that are kept. */
  static async open(folder: string, kept: readonly TrialRecord[]): Promise<RecordFile> {
    await mkdir(folder, { recursive: true })
    if (kept.length === 0) await clear(folder)
    const file = join(folder, name)
    // Put in place whole: whatever is killed meanwhile, the results are there.
    await writeFile(`${file}.new`, kept.map(line).join(''))
    await rename(`${file}.new`, file)
    return new RecordFile(await open(file, 'a'))
  }

  async append(record: TrialRecord): Promise<void> {
    await this.file.appendFile(line(record))
  }

  close(): Promise<void> {
    return this.file.close()
  }
}

/** @throws {@link ResourceError} when a folder has records that nobody said what to do with. */
export function refuseOverwriting(folder: string, records: readonly TrialRecord[]): void {
  if (records.length === 0) return
  const ways = 'go on with "--resume", begin anew with "--force", or name another "output"'
  const trials = records.length === 1 ? 'one trial' : `${records.length} trials`
  throw new ResourceError(`"${folder}" has the results of ${trials} already: ${ways}`, {
    code: 'RESULTS_EXIST',
  })
}

function line(record: TrialRecord): string {
  return `${JSON.stringify(record)}\n`
}

function parsed(line: string): TrialRecord[] {
  try {
    return line === '' ? [] : [JSON.parse(line)]
  } catch {
    return []
  }
}

async function clear(folder: string): Promise<void> {
  for (const made of ['failed', 'results', 'best.yaml', 'report.html'])
    await rm(join(folder, made), { recursive: true, force: true })
}
