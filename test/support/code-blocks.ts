/**
 * The code blocks of the guides, and how each of them is tried.
 *
 * - ` ```ts ` is type-checked. With a first line `// name.ts` it is that file; what lies in `src/` is compiled to
 *   `dist/`. Without a name it is a fragment: it sees all that flambeau exports, `z`, and what
 *   the files above it on its page export.
 * - ` ```ts ` and then ` ```text `: what it prints when it is run, or the message of the error that it throws.
 * - ` ```yaml ` is YAML in which `check` finds nothing, with the classes of the page. With a first line `# name.yaml` it
 *   is that file, and `checkFile` finds nothing in it; `wrong.yaml` is wrong on purpose, and a ` ```console ` below says how.
 * - ` ```yaml ` and then ` ```text `: what `flambeau run` says of it, as `job.yaml` when it has no name, with the
 *   classes of the files above.
 * - ` ```ini ` is a file of secrets that can be read; with ` ```text ` below, that is what is said of it.
 * - ` ```json ` is JSON: a `package.json` or a `tsconfig.json` by what it holds, or settings of an editor.
 * - ` ```sh ` and ` ```console ` of {@link firstSteps}: typed as they are, where the packed package is installed.
 * - ` ```console `: each line with `$` is run, in order; the other lines are what it prints, and `...` is any lines.
 * - ` ```sh `, or no language: commands that flambeau and npm know, or a message that src words so.
 * - ` ```typescript `, ` ```js `: shown only; that of testing.md is held by consumers.test.ts.
 * - `<!-- not run: why -->` above a block says that it is only looked at.
 *
 * All files of a page lie in one folder. The pages of docs/errors/ have the files of docs/errors.md, too.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One fenced block; `line` is the one below the fence. */
export interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
  /** The file that its first line names. */
  readonly name: string | undefined
  /** The text of the block below, when that says what comes of this one. */
  readonly output: string | undefined
  /** Why it is not tried, when a comment above it says so. */
  readonly notRun: string | undefined
}

/** A file of the folder of a page, and the block that it comes from. */
export interface PageFile {
  readonly block: Block
  readonly path: string
  readonly text: string
}

const withOutput = new Set(['ts', 'yaml', 'ini'])

/** The pages whose commands and files are tried in order, from an empty folder: first-steps.test.ts types them. */
export const firstSteps: readonly string[] = ['README.md', 'docs/start-here.md']

/** README.md and the guides, as paths from the root. */
export function guidePages(): string[] {
  const guides = ['docs', 'docs/errors'].flatMap((folder) =>
    readdirSync(folder).map((name) => `${folder}/${name}`),
  )
  return ['README.md', ...guides.filter((name) => name.endsWith('.md'))]
}

/** The blocks of a page, below those that it shares with others. */
export function blocksOf(page: string): Block[] {
  return [...sharedBlocks(page), ...ownBlocks(page)]
}

function sharedBlocks(page: string): Block[] {
  if (!page.startsWith('docs/errors/')) return []
  return ownBlocks('docs/errors.md').flatMap((block) => (block.name ? { ...block, page } : []))
}

function ownBlocks(page: string): Block[] {
  const fences = [...readFileSync(page, 'utf8').matchAll(/^```([^\n]*)\n(.*?)^```$/gms)]
  return fences.map((fence, at) => {
    const [, language = '', text = ''] = fence
    const below = fences[at + 1]
    const output = withOutput.has(language) && below?.[1] === 'text' ? below[2] : undefined
    const above = fence.input.slice(0, fence.index)
    const notRun = /<!-- not run: (.+) -->\n+$/.exec(above)?.[1]
    const line = above.split('\n').length + 1
    return { page, line, language, text, name: notRun ? undefined : nameOf(language, text), output, notRun }
  })
}

function nameOf(language: string, text: string): string | undefined {
  if (language === 'typescript') return undefined
  if (language === 'json')
    return ['package.json', 'tsconfig.json'].find((name) => text.includes(marks[name]!))
  return /^(?:\/\/|[#;]) ([\w./-]+\.(?:ts|yaml|ini))(?:: .*)?$/.exec(text.split('\n', 1)[0]!)?.[1]
}

const marks: Record<string, string> = { 'package.json': '"version":', 'tsconfig.json': '"compilerOptions":' }

/** The folder of a page below `root`. */
export function folderOf(page: string, root: string): string {
  return join(
    root,
    page
      .replace(/^docs\/|\.md$/g, '')
      .replaceAll('/', '-')
      .toLowerCase(),
  )
}

/** The files that the blocks of one page make. */
export function filesOf(blocks: readonly Block[], root: string, library: readonly string[]): PageFile[] {
  const files: PageFile[] = []
  for (const block of blocks.filter(({ notRun }) => !notRun)) {
    const above = files.filter(({ block, text }) => block.name?.endsWith('.ts') && exportsOf(text).length > 0)
    const made = fileOf(block, above, library)
    if (made) files.push({ block, path: join(folderOf(block.page, root), made.name), text: made.text })
  }
  return files
}

interface Made {
  readonly name: string
  readonly text: string
}

function fileOf(block: Block, above: readonly PageFile[], library: readonly string[]): Made | undefined {
  const { name, text, language, line } = block
  if (name) return { name, text }
  if (language !== 'ts') return undefined
  return { name: `line-${line}.ts`, text: `${prelude(text, above, library)}\n${text}` }
}

// On one line, so that those of the fragment are easily counted.
function prelude(text: string, above: readonly PageFile[], library: readonly string[]): string {
  const own = [...declaredIn(text), ...importedIn(text)]
  const shared = above.flatMap((file) => exportsOf(file.text))
  const imported = [
    importing(library, 'flambeau', [...own, ...shared]),
    importing(['z'], 'zod', own),
    ...above.map(
      (file) => `import '${moduleOf(file)}'; ${importing(exportsOf(file.text), moduleOf(file), own)}`,
    ),
  ]
  return imported.join('; ')
}

function importing(names: readonly string[], from: string, hidden: readonly string[]): string {
  return `import { ${names.filter((name) => !hidden.includes(name)).join(', ')} } from '${from}'`
}

function moduleOf({ block }: PageFile): string {
  return `./${block.name!.replace(/\.ts$/, '.js')}`
}

/** The blocks of a page that are judged: YAML, INI, JSON. What is right has no `output`. */
export function judgedBlocks(blocks: readonly Block[]): Block[] {
  return blocks.filter(
    ({ language, name, notRun }) => judged.has(language) && name !== 'wrong.yaml' && !notRun,
  )
}

const judged = new Set(['yaml', 'ini', 'json'])

function question({ language, name, text, output }: Block): { how: string; text: string } {
  if (language !== 'yaml' || output !== undefined) return { how: language, text }
  // Which extensions a page installs is known to its sessions alone.
  return name && !text.includes('\n---\n') ? { how: 'checkFile', text: name } : { how: 'check', text }
}

/** A module that prints, as one JSON array, what is said of each of the page's judged blocks. */
export function judge(blocks: readonly Block[], files: readonly PageFile[]): string {
  const classes = files.filter(({ block, text }) => block.name?.endsWith('.ts') && exportsOf(text).length > 0)
  const modules = classes.map((file) => moduleOf(file).replace('./src/', './dist/'))
  return `${modules.map((module) => `import '${module}'\n`).join('')}
import { check, checkFile, customTags, parseSecrets, runFile } from 'flambeau'
import 'flambeau/cluster'
import 'flambeau/pool'

const ask = {
  // The tags of extensions are known to the run alone.
  check(text) {
    const known = ({ code }) => code !== 'UNKNOWN_TAG' || !text.includes('\\n---\\n')
    return check(text).filter(known).map(({ message }) => message).join('\\n')
  },
  async checkFile(name) {
    return (await checkFile(name)).map(({ message }) => message).join('\\n')
  },
  json(text) {
    const listed = JSON.parse(text)['yaml.customTags'] ?? []
    return listed.filter((tag) => !customTags().includes(tag)).join('\\n')
  },
  async yaml(content) {
    const said = []
    const logger = { debug() {}, info() {}, warn: (line) => said.push(line), error: (line) => said.push(line) }
    await runFile({ content, filename: 'job.yaml' }, { logger })
    return said.join('\\n')
  },
  async ini(text) {
    return parseSecrets(text, { filename: 'secrets.ini' }).then(() => '', (error) => error.message)
  },
}

const all = []
for (const { how, text } of ${JSON.stringify(judgedBlocks(blocks).map(question))}) all.push(await ask[how](text))
console.log(JSON.stringify(all))
`
}

function exportsOf(text: string): string[] {
  return [...text.matchAll(/^export (?:abstract )?(?:class|const|function|interface|type) (\w+)/gm)].map(
    ([, name]) => name!,
  )
}

function declaredIn(text: string): string[] {
  return [
    ...text.matchAll(/^(?:export )?(?:abstract )?(?:class|const|let|function|interface|type) (\w+)/gm),
  ].map(([, name]) => name!)
}

function importedIn(text: string): string[] {
  return [...text.matchAll(/^import (?:type )?(?:\w+|\{(.*)\}|\* as (\w+)) from/gm)].flatMap(
    ([, names = '', all = '']) =>
      [...names.split(','), all].map((name) => name.replace(/^ *type /, '').trim()),
  )
}
