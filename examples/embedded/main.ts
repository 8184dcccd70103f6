import { readdir, stat } from 'node:fs/promises'
import { Registry, Runnable, type RunOptions, registrable, runFile, runOptions } from 'flambeau'
import { z } from 'zod'

// This program's own tags: nothing else in the process sees them.
const registry = new Registry()

const FolderReportOptions = z.object({ folder: z.string(), extension: z.string().default('') })

/** Counts the files of a folder and their bytes. */
@registrable('!FolderReport', { registry })
class FolderReport extends Runnable.with(FolderReportOptions) {
  override async run({ logger }: RunOptions): Promise<{ files: number; bytes: number }> {
    const { folder, extension } = this.options
    logger.info(`counting the "${extension}" files of ${folder}`)
    const names = (await readdir(folder)).filter((name) => name.endsWith(extension))
    const files = await Promise.all(names.map((name) => stat(`${folder}/${name}`)))
    return { files: files.length, bytes: files.reduce((bytes, { size }) => bytes + size, 0) }
  }
}

// From code: the schema checks and completes these options as it does those of a file.
const report = new FolderReport({ folder: 'examples/iris', extension: '.yaml' })
console.log(await report.run(runOptions()))

// From a user's file: a mistake in it is logged, and `outcome` tells of it.
const outcome = await runFile('examples/embedded/report.yaml', { registry })
if (outcome.ok) console.log(outcome.value)
else process.exitCode = outcome.exitCode
