import { Command } from 'commander'
import { writeReport } from '../report/report.js'
import { printLine } from './output.js'

/** `flambeau report FOLDER`. */
export function reportCommand(): Command {
  return new Command('report')
    .description('make a page of the results of a sweep')
    .argument('<folder>', 'the "output" of the sweep')
    .option('-o, --output <file>', 'where to write the page (default: report.html in the folder)')
    .option('-f, --force', 'replace a file that is no report')
    .action(report)
}

async function report(folder: string, { output, force }: { output?: string; force?: true }): Promise<void> {
  printLine(await writeReport(folder, output, { force }))
}
