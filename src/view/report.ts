import { existsSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError, throwNotWritten } from '../errors.js'
import { writeAtomically } from '../util/atomic-write.js'
import { realPath } from '../util/paths.js'
import type { RunText } from './data.js'
import { generatorTag, renderPage } from './render-page.js'
import { type RunFiles, recordedRun, sweepRun } from './run-files.js'

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
  const run = await runIn(folder)
  if (!force) await requireReport(file)
  const page = await renderReport(run)
  await writePage(file, page).catch(throwNotWritten(file))
  return file
}

/** The run of a folder: a record, or the output of a sweep. */
export function runIn(folder: string): Promise<RunFiles> {
  return existsSync(join(folder, 'run.json')) ? recordedRun(folder) : sweepRun(folder)
}

const texts: readonly RunText[] = ['trials', 'metrics', 'log', 'trial-log']

async function renderReport(run: RunFiles): Promise<string> {
  const detail = await run.detail()
  const found = await Promise.all(texts.map((name) => readFile(run.path(name), 'utf8').catch(() => '')))
  const files = Object.fromEntries(texts.map((name, index) => [name, found[index]!]))
  return renderPage(
    { live: false, writtenAt: new Date().toISOString(), detail, files },
    { title: detail.file },
  )
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
