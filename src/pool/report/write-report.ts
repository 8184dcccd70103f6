import { writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pageOf } from './page.js'
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
 * @throws `ResourceError` when there are no results.
 */
export async function writeReport(folder: string, file = join(folder, 'report.html')): Promise<string> {
  const data = await readSweep(folder)
  await writeFile(file, await pageOf(data, basename(resolve(folder))))
  return file
}
