import { importModules } from '../../modules/import-modules.js'
import { isInProject, readProject } from '../../project.js'
import { listRuns } from '../../records/runs.js'
import { defaultRegistry } from '../../registry/default-registry.js'
import type { Argument, Command, Option } from '../commander.js'
import { splitOperands } from '../operands.js'
import { currentRuns } from '../records/run-location.js'
import { type FileKind, fileCandidates } from './file-candidates.js'
import { overrideCandidates } from './override-candidates.js'

/** One way to complete a word. */
export interface Candidate {
  readonly value: string
  readonly description?: string | undefined
}

/** Completes the last of the words that follow the name of the program. */
export async function completeWords(root: Command, words: readonly string[]): Promise<Candidate[]> {
  const typed = new TypedWords(root, words.slice(0, -1))
  const word = words.at(-1) ?? ''
  const found = await candidatesOf(typed, word)
  return found.filter(({ value }) => value.startsWith(word) && !/\p{Cc}/u.test(value))
}

async function candidatesOf(typed: TypedWords, word: string): Promise<Candidate[]> {
  const { command, operands, pending } = typed
  if (pending) return valuesOf(pending, word, typed)
  if (word.startsWith('-') && !typed.onlyOperands) return optionCandidates(typed, word)
  const isOfRoot = command.commands.length > 0 && operands.length === 0
  return isOfRoot ? commandCandidates(command) : operandCandidates(typed, word)
}

/** What the words before the one that is completed mean. */
class TypedWords {
  command: Command
  readonly operands: string[] = []
  readonly options: string[] = []
  /** The option whose value comes next. */
  pending: Option | undefined
  /** Whether `--` was typed. */
  onlyOperands = false

  constructor(root: Command, words: readonly string[]) {
    this.command = root
    for (const word of words) this.#add(word)
  }

  #add(word: string): void {
    if (this.pending) this.pending = undefined
    else if (this.onlyOperands || !word.startsWith('-') || word === '-') this.#addOperand(word)
    else if (word === '--') this.onlyOperands = true
    else this.#addOption(word)
  }

  #addOption(word: string): void {
    this.options.push(word)
    const option = optionOf(this.command, word)
    if (option?.required) this.pending = option
  }

  #addOperand(word: string): void {
    const inner = this.command.commands.find((each) => each.name() === word)
    if (inner && this.operands.length === 0) this.command = inner
    else this.operands.push(word)
  }
}

function optionOf(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => flag === long || flag === short)
}

function commandCandidates(command: Command): Candidate[] {
  const named = command.commands.map((each) => ({ value: each.name(), description: each.description() }))
  // The program has a command of this name; commands with commands of their own get it from commander.
  if (!command.parent) return named
  return [...named, { value: 'help', description: 'display help for a command' }]
}

async function optionCandidates(typed: TypedWords, word: string): Promise<Candidate[]> {
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? []
  const option = flag === undefined ? undefined : optionOf(typed.command, flag)
  if (option) {
    const values = option.required ? await valuesOf(option, value!, typed) : []
    return values.map((each) => ({ ...each, value: `${flag}=${each.value}` }))
  }
  const options = typed.command.createHelp().visibleOptions(typed.command)
  return options.flatMap(({ long, short, description }) => {
    const flags = [long, word.startsWith('--') ? undefined : short]
    return flags.flatMap((each) => (each ? [{ value: each, description }] : []))
  })
}

async function valuesOf(option: Option, word: string, typed: TypedWords): Promise<Candidate[]> {
  if (option.argChoices) return plain(option.argChoices)
  const [, kind = ''] = /<([^>]+)>/.exec(option.flags) ?? []
  if (kind === 'tag') return plain(await tagsFor(typed))
  const file = option.long === '--cluster' ? 'yaml' : fileKinds[kind]
  return file ? plain(fileCandidates(word, file)) : []
}

const fileKinds: Readonly<Record<string, FileKind>> = {
  file: 'any',
  folder: 'folder',
  module: 'module',
  path: 'any',
}

async function operandCandidates(typed: TypedWords, word: string): Promise<Candidate[]> {
  const { command, operands } = typed
  const argument =
    command.registeredArguments[Math.min(operands.length, command.registeredArguments.length - 1)]
  if (!argument || (operands.length >= command.registeredArguments.length && !argument.variadic)) return []
  if (argument.argChoices) return plain(argument.argChoices)
  if (argument.name() === 'command' && command.parent) return commandCandidates(command.parent)
  const ids = runOperands.has(argument.name()) ? await runCandidates(typed) : []
  const { files } = splitOperands(operands)
  const [file] = files
  const takesOverrides = takesOverridesOf(command)
  const paths = file !== undefined && files.length === 1 && takesOverrides
  const overrides = paths ? await overrideCandidates(word, file, () => tagsFor(typed)).catch(() => []) : []
  const kind = operandKind(argument, { file, takesOverrides })
  return [...ids, ...plain([...overrides, ...(kind ? fileCandidates(word, kind) : [])])]
}

/** The operands that are ids of runs. */
const runOperands: ReadonlySet<string> = new Set(['id', 'run', 'a', 'b'])
/** How many of the latest runs are suggested. */
const mostRuns = 50

async function runCandidates({ options }: TypedWords): Promise<Candidate[]> {
  try {
    const runs = await currentRuns({ project: !options.includes('--no-project') })
    const entries = runs ? await listRuns(runs.path, mostRuns) : []
    const named = entries.map(({ id, state, file }) => ({ value: id, description: `${state}, ${file}` }))
    return named.length > 0 ? [{ value: 'last', description: 'the latest run' }, ...named] : []
  } catch {
    return []
  }
}

function takesOverridesOf({ registeredArguments }: Command): boolean {
  const names = registeredArguments.map((each) => each.name())
  return (
    names.includes('override') || registeredArguments.some((each) => each.name() === 'file' && each.variadic)
  )
}

/** What a file operand may be; after the one file of a command that takes overrides, only they follow. */
function operandKind(
  argument: Argument,
  { file, takesOverrides }: { file: string | undefined; takesOverrides: boolean },
): FileKind | undefined {
  const name = argument.name()
  if (name === 'override') return file === undefined ? 'yaml' : undefined
  if (name === 'file' || name === 'cluster')
    return takesOverrides && file !== undefined && !argument.variadic ? undefined : 'yaml'
  if (name === 'folder' || name === 'run') return 'folder'
  return name === 'dest' ? 'any' : undefined
}

/** The built-in tags, and those of the modules of the project. Nothing else is imported to complete a word. */
async function tagsFor({ operands, options }: TypedWords): Promise<readonly string[]> {
  const project = options.includes('--no-project') ? undefined : await readProject().catch(() => undefined)
  const { files } = splitOperands(operands)
  if (project && files.every((file) => isInProject(project, file)))
    await importModules(project.imports, { from: project.folder, option: 'imports' }).catch(() => undefined)
  return defaultRegistry.tags()
}

function plain(values: readonly string[]): Candidate[] {
  return values.map((value) => ({ value }))
}
