import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { resolveAlias } from '../../document/nodes.js'
import { explainMiss, nodeAt, parsePath } from '../../document/path.js'
import { parse } from '../../document/read/parse.js'
import { resolvePart } from '../../document/write/resolve.js'
import { ResourceError } from '../../errors.js'
import { isApplicationTag } from '../../node.js'
import { formatDuration, formatTime, formatValue } from '../../records/format.js'
import type { RunRecord } from '../../records/record.js'
import { currentRegistry } from '../../registry/default-registry.js'
import { didYouMean } from '../../registry/suggest.js'
import { fromJson, toJson } from '../../util/json.js'
import { repeatCommand } from '../../util/repeat-command.js'
import { commandLine } from '../../util/shell.js'
import type { Command } from '../commander.js'
import { commandOf } from '../commands.js'
import { withExamples } from '../help.js'
import type { ImportFlags } from '../options.js'
import { printLine } from '../output.js'
import { type FoundRecord, findRecord, fromHere } from './run-location.js'
import { alignedLines } from './runs.js'

/** An id, as in messages and lists. */
export const exampleId = '20261124-161622-1f4a03c'

interface ShowFlags extends Pick<ImportFlags, 'project'> {
  readonly json?: true
}

/** `flambeau show ID [PATH]`. */
export function showCommand(): Command {
  const command = commandOf('show')
    .option('--json', 'print JSON')
    .option('--no-project', 'ignore "flambeau" in package.json')
  return withExamples(command, `flambeau show last optimizer.rate`).action(
    async (id: string, path: string | undefined, flags: ShowFlags) => {
      const found = await findRecord(id, flags)
      if (path !== undefined) await showPart(found, path, flags)
      else if (flags.json) printLine(toJson({ ...found.record, result: await readResult(found) }, 2)!)
      else for (const line of await describe(found)) printLine(line)
    },
  )
}

/** What a run returned; `undefined` if it has no result. */
export async function readResult({ folder }: Pick<FoundRecord, 'folder'>): Promise<unknown> {
  const text = await readFile(join(folder, 'result.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : fromJson(text)
}

/** The text of a record's file; absent when it was not written. */
export function readText({ folder }: Pick<FoundRecord, 'folder'>, name: string): Promise<string | undefined> {
  return readFile(join(folder, name), 'utf8').catch(() => undefined)
}

async function describe(found: FoundRecord): Promise<string[]> {
  const { record, folder } = found
  const result = await readResult(found)
  const facts: (readonly [string, string | undefined])[] = [
    ['run', record.id],
    ['state', stateText(record)],
    ['command', record.argv.length > 0 ? commandLine(['flambeau', ...record.argv]) : undefined],
    [
      'file',
      record.rerunOf === undefined ? record.file : `${record.file}, run again as ${record.rerunOf} was`,
    ],
    ['started', timeText(record)],
    ['where', placeText(record)],
    ['code', codeText(record)],
    ['result', result === undefined ? undefined : shortened(toJson(result) ?? '')],
    ['error', record.error?.split('\n', 1)[0]],
    ['record', fromHere(folder)],
  ]
  const rows = facts.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]))
  const options = optionRows(record)
  return [...alignedLines(rows), '', 'options', ...alignedLines(options).map((line) => `  ${line}`)]
}

function stateText({ state, exitCode }: RunRecord): string {
  if (state === 'lost') return 'lost: its process is gone, and it has no end'
  return exitCode === undefined ? state : `${state} (exit code ${exitCode})`
}

function timeText({ startedAt, endedAt }: RunRecord): string {
  const took =
    endedAt === undefined ? '' : `, took ${formatDuration(Date.parse(endedAt) - Date.parse(startedAt))}`
  return formatTime(startedAt) + took
}

function placeText({ host, user, cluster, folder }: RunRecord): string {
  const where = cluster ? `on cluster "${cluster.name}" (${cluster.orchestrator}), from ` : ''
  return `${where}${host}, by ${user}, in ${folder}`
}

function codeText({ git }: RunRecord): string | undefined {
  if (!git) return undefined
  const branch = git.branch === undefined ? '' : ` on ${git.branch}`
  const left = git.left ? `, ${git.left.length + (git.leftMore ?? 0)} of them not in changes.patch` : ''
  return `${git.commit.slice(0, 12)}${branch}${git.dirty ? `, with uncommitted changes${left}` : ''}`
}

const longest = 200

function shortened(text: string): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}

/** The most options that are listed; all are in run.yaml. */
const mostOptions = 200

function optionRows({ options, defaults }: RunRecord): string[][] {
  const given = Object.entries(options).map(([path, value]) => [path, value, ''] as const)
  const filled = Object.entries(defaults).map(([path, value]) => [path, value, '(default)'] as const)
  const all = [...given, ...filled]
  const rows = all.slice(0, mostOptions).map(([path, value, note]) => {
    const text = shortened(formatValue(value).replaceAll('\n', '\\n'))
    return path === '' ? [text, '', note] : [path, text, note]
  })
  return all.length > mostOptions ? [...rows, [`... and ${all.length - mostOptions} more`, '', '']] : rows
}

async function showPart(found: FoundRecord, path: string, { json }: ShowFlags): Promise<void> {
  const { record } = found
  const filled = record.defaults[path]
  if (filled !== undefined) printLine(json ? toJson(filled)! : formatValue(filled))
  else {
    const text = await readFile(join(found.folder, 'run.yaml'), 'utf8')
    const part = partOf(text, path, record)
    printLine(json ? toJson(leavesBelow(record, path), 2)! : part)
  }
}

/** The text of the value at a path of a file; aliases are followed. */
function partOf(text: string, path: string, record: RunRecord): string {
  const { steps, mistake } = parsePath(path)
  if (mistake) throw new ResourceError(mistake.message, { code: mistake.code })
  const { documents, source } = parse(text, 'run.yaml')
  const document = documents.at(-1)!
  let node = document.root
  for (const [depth, step] of steps.entries()) {
    const found = nodeAt(resolveAlias(node), [step])
    if (found.miss !== undefined) {
      const where = { root: document.root, rootName: 'file' }
      throw noSuchPart(path, explainMiss(steps, { ...found, depth }, where), record)
    }
    node = found.node
  }
  const value = resolveAlias(node)
  if (value.kind === 'scalar' && !isApplicationTag(value.tag)) return formatValue(value.value)
  return resolvePart(value, { document, source, registry: currentRegistry() }).replace(/\n$/, '')
}

function noSuchPart(path: string, message: string, { id, options, defaults }: RunRecord): ResourceError {
  const meant = didYouMean(path, [...Object.keys(options), ...Object.keys(defaults)])
  const remedy = `"${repeatCommand(['show', id])}" lists the options`
  const text = meant === '' ? `${message}; ${remedy}` : `There is no option "${path}"${meant}`
  return new ResourceError(text, { code: 'NO_SUCH_PATH' })
}

/** The value at a path, or the values below it by path. */
function leavesBelow({ options, defaults }: RunRecord, path: string): unknown {
  const all = Object.entries({ ...options, ...defaults })
  const below = all.filter(([name]) => name.startsWith(`${path}.`) || name.startsWith(`${path}[`))
  const own = all.find(([name]) => name === path)
  if (below.length === 0) return own?.[1] ?? null
  return Object.fromEntries(own ? [own, ...below] : below)
}
