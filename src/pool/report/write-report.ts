import { readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { ResourceError } from '../../errors.js'
import { generator, pageOf } from './page.js'
import { readSweep } from './read-sweep.js'

/**
 * Makes a page of the results of a sweep: one HTML file that needs no network, with a ranked table, charts and the
 * messages of what failed.
 *
 * ```ts
 * await writeReport('sweep')   // 'sweep/report.html'
 * ```
 *
 * `folder` is the `output` of the sweep; returns the path of the page.
 *
 * @throws `ResourceError` when there are no results, or when `file` exists and is no such page, unless `force`.
 */
export async function writeReport(
  folder: string,
  file = join(folder, 'report.html'),
  { force = false }: { force?: boolean | undefined } = {},
): Promise<string> {
  const data = await readSweep(folder)
  if (!force) await expectReport(file)
  await writeFile(file, await pageOf(data, basename(resolve(folder))))
  return file
}

// A page that was made before may be made anew.
async function expectReport(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined || text.slice(0, 1000).includes(generator)) return
  const message = `"${file}" exists and is no report: name another file in "--output", or add "--force" to replace it`
  throw new ResourceError(message, { code: 'OUTPUT_EXISTS' })
}
