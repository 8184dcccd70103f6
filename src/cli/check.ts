import { Command } from 'commander'
import { check } from '../document/check.js'
import { readText } from '../document/read-text.js'
import { isFlambeauError, type Problem } from '../errors.js'
import { type Paint, reportProblems } from '../report.js'
import { StderrLogger } from '../runnable/logger.js'
import { importModules } from './import-modules.js'
import { withImports } from './options.js'

/** What a process exits with that found a mistake in a user's file. */
const wrongFile = 22

/** `flambeau check FILE...`. */
export function checkCommand(): Command {
  const command = new Command('check')
    .description('say every problem of YAML files, without running anything')
    .argument('<file...>', 'the YAML files')
    .option('--json', 'print the problems as one JSON array')
  return withImports(command).action(checkFiles)
}

async function checkFiles(
  files: string[],
  { import: modules, json }: { import: string[]; json?: true },
): Promise<void> {
  const logger = new StderrLogger()
  await importModules(modules)
  const problems: Problem[] = []
  let unreadable = 0
  for (const file of files)
    await checkFile(file)
      .then((found) => problems.push(...found))
      .catch((error: unknown) => {
        if (!isFlambeauError(error)) throw error
        unreadable++
        logger.error(error.message)
      })
  if (problems.length > 0 || unreadable > 0) process.exitCode = wrongFile
  if (json) console.log(JSON.stringify(problems, null, 2))
  else print(problems, files.length - unreadable, logger)
}

async function checkFile(file: string): Promise<Problem[]> {
  const { text, filename } = await readText(file)
  return check(text, { filename })
}

function print(problems: readonly Problem[], count: number, logger: StderrLogger): void {
  const paint: Paint | undefined = process.stdout.hasColors?.() ? logger.paint : undefined
  for (const file of new Set(problems.map((problem) => problem.file)))
    console.log(
      `${reportProblems(
        problems.filter((problem) => problem.file === file),
        paint,
      )}\n`,
    )
  const wrong = new Set(problems.map((problem) => problem.file)).size
  if (wrong === 0 && count > 0) logger.info(`No problems in ${count === 1 ? 'the file' : `${count} files`}`)
}
