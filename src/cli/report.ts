import { Command } from 'commander'
import { writeReport } from '../pool/report/write-report.js'
import { printLine } from './print-line.js'

/** `flambeau report FOLDER`. */
export function reportCommand(): Command {
  return new Command('report')
    .description('make a page of the results of a sweep')
    .argument('<folder>', 'the "output" of the sweep')
    .option('-o, --output <file>', 'where to write the page (default: report.html in the folder)')
    .action(report)
}

async function report(folder: string, { output }: { output?: string }): Promise<void> {
  printLine(await writeReport(folder, output))
}
