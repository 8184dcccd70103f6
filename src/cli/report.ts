import { Command } from 'commander'
import { writeReport } from '../report/report.js'
import { printLine } from './output.js'

interface ReportFlags {
  readonly output?: string
  readonly force?: true
}

/** `flambeau report FOLDER`. */
export function reportCommand(): Command {
  return new Command('report')
    .description('write an HTML page with the results of a sweep')
    .argument('<folder>', 'the "output" folder of the sweep')
    .option('-o, --output <file>', 'the path of the page (default: report.html in the folder)')
    .option('-f, --force', 'replace a file that is not a report')
    .action(report)
}

async function report(folder: string, { output, force }: ReportFlags): Promise<void> {
  printLine(await writeReport(folder, output, { force }))
}
