import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError, throwNotWritten } from '../errors.js'
import { writeAtomically } from '../util/atomic-write.js'
import { realPath } from '../util/paths.js'
import type { RunDetail, RunText } from './data.js'
import { generatorTag, renderPage } from './render-page.js'
import { RecordedRun, type RunFiles } from './run-files.js'
import { SweepFolder } from './sweep-folder.js'

/**
 * Writes the page of a run as one HTML file that needs no network: its state, file, log and progress; for a sweep, its trials and
 * charts, too.
 *
 * ```ts
 * await writeReport('sweep')   // 'sweep/report.html'
 * ```
 *
 * `folder` is the `output` of a sweep, or the folder of the record of a run; returns the path of the page.
 *
 * @throws `ResourceError` when there are no results, or when `file` exists and is not such a page, unless `force`.
 */
export async function writeReport(
  folder: string,
  file = join(folder, 'report.html'),
  { force = false }: { force?: boolean | undefined } = {},
): Promise<string> {
  const run = runIn(folder)
  // A folder without results is the mistake that explains what else may be wrong.
  const detail = await run.detail()
  if (!force) await requireReport(file)
  const page = await renderReport(run, detail)
  await writePage(file, page).catch(throwNotWritten(file))
  return file
}

/** The run of a folder: a record, or the output of a sweep. */
export function runIn(folder: string): RunFiles {
  return existsSync(join(folder, 'run.json')) ? new RecordedRun(folder) : new SweepFolder(folder)
}

const texts: readonly RunText[] = ['trials', 'metrics', 'log', 'trial-log']

async function renderReport(run: RunFiles, detail: RunDetail): Promise<string> {
  const found = await Promise.all(texts.map(async (name) => [name, await readAll(run, name)]))
  return renderPage(
    { live: false, writtenAt: new Date().toISOString(), detail, files: Object.fromEntries(found) },
    { title: detail.file },
  )
}

async function readAll(run: RunFiles, name: RunText): Promise<string> {
  const parts: string[] = []
  for (let from = 0; ; ) {
    const { text, next } = await run.read(name, from)
    if (text === '') return parts.join('')
    parts.push(text)
    from = next
  }
}

// Half a page would not be replaced by the next one. What is no regular file, such as /dev/stdout, cannot be renamed.
async function writePage(file: string, page: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found && !found.isFile()) await writeFile(file, page)
  else await writeAtomically(realPath(file), page, { mode: 0o666 })
}

// An earlier page may be replaced.
async function requireReport(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    return throwNotWritten(file)(error)
  })
  if (text === undefined || text.slice(0, 1000).includes(generatorTag)) return
  const message = `"${file}" exists, but is not a report: name another file in "--output", or add "--force" to replace it`
  throw new ResourceError(message, { code: 'OUTPUT_EXISTS' })
}
