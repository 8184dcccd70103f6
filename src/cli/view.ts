import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, sep } from 'node:path'
import { findRun } from '../records/runs.js'
import { runIn } from '../view/report.js'
import { RecordedRuns } from '../view/run-files.js'
import { type ViewedRuns, ViewServer } from '../view/server.js'
import { type Command, InvalidArgumentError, Option } from './commander.js'
import { commandOf } from './commands.js'
import { withExamples } from './help.js'
import type { LogFlags } from './log-level.js'
import type { ImportFlags } from './options.js'
import { printLine } from './output.js'
import { expectRuns, loggerOf } from './records/run-location.js'

interface ViewFlags extends LogFlags, Pick<ImportFlags, 'project'> {
  readonly open: boolean
  readonly port: number
}

/** `flambeau view`. */
export function viewCommand(): Command {
  const port = new Option('--port <number>', 'the port').default(0, 'a free one')
  const command = commandOf('view')
    .addOption(port.argParser(portNumber))
    .option('--no-open', 'only print the address')
    .option('--no-project', 'ignore "flambeau" in package.json')
  return withExamples(command, 'flambeau view', 'flambeau view last').action(view)
}

function portNumber(text: string): number {
  const value = Number(text)
  if (/^\d{1,5}$/.test(text) && value < 65_536) return value
  throw new InvalidArgumentError('It must be a number from 0 to 65535.')
}

async function view(wanted: string | undefined, flags: ViewFlags): Promise<void> {
  const { runs, id } = await viewedRuns(wanted, flags)
  const server = await ViewServer.start(runs, flags)
  const hash = id === undefined ? '' : `#/runs/${encodeURIComponent(id)}`
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  printLine(server.url(hash))
  if (flags.open && process.stdout.isTTY) openBrowser(server.launchUrl(hash))
  loggerOf(flags).info('Press Ctrl-C to end')
  await interrupted
  await server.close()
}

async function viewedRuns(
  wanted: string | undefined,
  flags: ViewFlags,
): Promise<{ runs: ViewedRuns; id?: string }> {
  if (wanted !== undefined && isFolder(wanted)) {
    const run = runIn(wanted)
    const { id } = await run.summary()
    const runs = {
      list: async () => ({ runs: [await run.summary()], total: 1 }),
      find: async (asked: string) => (asked === id ? run : undefined),
    }
    return { runs, id }
  }
  const { path } = await expectRuns(flags)
  const runs = new RecordedRuns(path)
  return wanted === undefined ? { runs } : { runs, id: await findRun(path, wanted) }
}

/** Whether an operand is a folder, and no id. */
export function isFolder(operand: string): boolean {
  return operand.includes('/') || operand.includes(sep) || operand === '.' || existsSync(operand)
}

/** The folder of a run that an operand names: a folder itself, or that of a record. */
export async function folderOf(operand: string, flags: { project?: boolean }): Promise<string> {
  if (isFolder(operand)) return operand
  const { path } = await expectRuns(flags)
  return join(path, await findRun(path, operand))
}

// Without a browser, the address is printed all the same.
function openBrowser(url: string): void {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(program, [url], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
