import { Command } from 'commander'
import { writeReport } from '../report/report.js'
import { withExamples, withForce } from './help.js'
import { printLine } from './output.js'

interface ReportFlags {
  readonly output?: string
  readonly force?: true
}

/** `flambeau report FOLDER`. */
export function reportCommand(): Command {
  const command = new Command('report')
    .description('write an HTML page with the results of a sweep')
    .argument('<folder>', 'the "output" folder of the sweep')
    .option('-o, --output <file>', 'the path of the page (default: report.html in the folder)')
  return withExamples(
    withForce(command, 'replace a file that is not a report'),
    'flambeau report sweep --output results.html',
  ).action(report)
}

async function report(folder: string, { output, force }: ReportFlags): Promise<void> {
  printLine(await writeReport(folder, output, { force }))
}
