import { basename } from 'node:path'
import { writeReport } from '../view/report.js'
import type { Command } from './commander.js'
import { commandOf } from './commands.js'
import { withExamples, withForce } from './help.js'
import type { ImportFlags } from './options.js'
import { printLine } from './output.js'
import { folderOf, isFolder } from './view.js'

interface ReportFlags extends Pick<ImportFlags, 'project'> {
  readonly output?: string
  readonly force?: true
}

/** `flambeau report RUN`. */
export function reportCommand(): Command {
  const command = commandOf('report')
    .option(
      '-o, --output <file>',
      'the path of the page (default: report-ID.html, or report.html in the folder)',
    )
    .option('--no-project', 'ignore "flambeau" in package.json')
  return withExamples(
    withForce(command, 'replace a file that is not a report'),
    'flambeau report last --output results.html',
  ).action(report)
}

async function report(run: string, { output, force, ...flags }: ReportFlags): Promise<void> {
  const folder = await folderOf(run, flags)
  const file = output ?? (isFolder(run) ? undefined : `report-${basename(folder)}.html`)
  printLine(await writeReport(folder, file, { force }))
}
