import type { Command } from '../commander.js'
import { commandOf } from '../commands.js'
import { withExamples } from '../help.js'
import { parseBashLine, quoteForBash } from './bash-line.js'
import { type Candidate, completeWords } from './candidates.js'
import { type Shell, scriptOf, shells } from './scripts.js'

/** `flambeau completion SHELL`. */
export function completionCommand(): Command {
  const command = commandOf('completion')
  command.registeredArguments[0]!.choices(shells)
  return withExamples(command, 'flambeau completion bash >> ~/.bashrc').action((shell: Shell) =>
    console.log(scriptOf(shell).trimEnd()),
  )
}

/** An imported module may never settle; nobody waits longer for a word. */
const mostMilliseconds = 5_000

/**
 * The hidden command of the scripts: prints the candidates for the last word, one a line. The person is typing, so nothing
 * else is printed, and no error is shown.
 */
export async function printCandidates(root: Command, words: readonly string[]): Promise<void> {
  const write = process.stdout.write.bind(process.stdout)
  // What the modules of the project print is no candidate.
  process.stdout.write = () => true
  setTimeout(() => process.exit(), mostMilliseconds)
  const lines = await candidateLines(root, words).catch(() => [])
  await new Promise<void>((resolve) => write(lines.map((line) => `${line}\n`).join(''), () => resolve()))
  process.exit()
}

async function candidateLines(root: Command, [shell, ...words]: readonly string[]): Promise<string[]> {
  if (shell !== 'bash') return (await completeWords(root, words)).map((each) => described(each))
  const [line = '', point = '', breaks = ''] = words
  // Bash counts bytes.
  const before = Buffer.from(line).subarray(0, Number(point)).toString()
  const parsed = parseBashLine(before, breaks)
  const found = await completeWords(root, parsed.words.slice(1))
  return found.map(({ value }) => quoteForBash(value, parsed))
}

function described({ value, description = '' }: Candidate): string {
  return description === '' ? value : `${value}\t${description.replace(/\s+/g, ' ')}`
}
