// What the guides say is true: their code compiles and prints what they say, their links lead somewhere, and every
// error code has its entry. How a block is tried stands in support/code-blocks.ts.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'
import {
  type Block,
  blocksOf,
  filesOf,
  firstSteps,
  folderOf,
  guidePages,
  judge,
  judgedBlocks,
  type PageFile,
} from '../support/code-blocks.js'
import { atAnyTime, patternOf, quoted, scriptOf } from '../support/sessions.js'
import { noSlurm, Slurm } from '../support/slurm.js'

const root = resolve('build/docs')
const pages = guidePages()
const blocks = pages.map(blocksOf)
const files = blocks.flatMap((ofPage) => filesOf(ofPage, root, exportedNames()))

describe('the guides', () => {
  let slurm: Slurm | undefined
  after(() => slurm?.end())
  before(async () => {
    // The console of the guide about clusters talks to it.
    if (!noSlurm) slurm = await Slurm.start(2)
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    for (const { path, text } of files) write(path, text)
    for (const page of pages) bePackage(folderOf(page, root))
    mkdirSync(join(root, 'node_modules'), { recursive: true })
    symlinkSync(resolve('.'), join(root, 'node_modules/flambeau'))
  })

  test('their TypeScript compiles', () => assert.equal(compile(files), ''))

  test('it compiles with TypeScript 7, too', async () => {
    const compilerOptions = { ...sharedOptions, target: 'es2022', module: 'nodenext', noEmit: true }
    const include = [...new Set(files.map(({ path }) => join(dirname(path), '*.ts')))]
    write(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))
    assert.equal(await shell(`node ${quoted(resolve('node_modules/typescript7/bin/tsc'))} -p .`, root), '')
  })

  describe('what is run prints what they say', { concurrency: cpus().length }, () => {
    for (const file of files.filter(({ block }) => block.output !== undefined))
      test(placeOf(file.block), async () => {
        const printed = await shell(`node -e ${quoted(runner)} ${quoted(urlOf(file))}`, dirname(file.path))
        assert.equal(anywhere(printed, file.block), file.block.output!.trimEnd())
      })

    for (const ofPage of blocks.filter((ofPage) => judgedBlocks(ofPage).length > 0))
      test(ofPage[0]!.page, async () => {
        const said = await judged(ofPage)
        for (const [index, block] of judgedBlocks(ofPage).entries())
          assert.equal(anywhere(said[index]!, block), (block.output ?? '').trimEnd(), placeOf(block))
      })

    for (const file of files.filter(({ path }) => path.endsWith('.test.ts')))
      test(placeOf(file.block), async () => {
        assert.match(await shell(`node ${quoted(fileURLToPath(urlOf(file)))}`, root), /fail 0$/m)
      })

    // In order: what one does, the next may look at. Those of the first steps are typed in first-steps.test.ts.
    for (const sessions of blocks
      .filter(([first]) => !isFirstSteps(first))
      .map(sessionsOf)
      .filter(({ length }) => length > 0))
      test(`the sessions of ${sessions[0]!.page}`, async () => {
        for (const block of sessions) {
          const printed = await shell(`${npx}\n${scriptOf(block.text)}`, folderOf(block.page, root))
          assert.match(anywhere(printed, block), patternOf(block.text), placeOf(block))
        }
      })
  })

  test('the program of README.md runs, and says of the misspelt tag what stands there', async () => {
    const folder = folderOf('README.md', root)
    assert.equal(await shell('node dist/main.js', folder), 'greeting\nGood day, Countess Ada\n')
    const misspelt = "mkdir wrong && sed 's/!Polite/!Polit/' greet.yaml > wrong/greet.yaml"
    const said = await shell(`${misspelt} && cd wrong && node ../dist/main.js`, folder)
    assert.ok(readFileSync('README.md', 'utf8').includes(`\n\`\`\`\n${said}\`\`\`\n`), said)
  })

  test('their links lead somewhere', () => {
    const lost = pages.flatMap((page) => linksOf(page).filter((link) => !leadsSomewhere(link, page)))
    assert.deepEqual(lost, [])
  })

  test('each test that security.md names is in the file that it names', () => {
    const references = referencesOf(readFileSync('docs/security.md', 'utf8'))
    const lost = references.filter(({ file, name }) => !hasTest(join('test', file), name))
    assert.ok(references.length > 40, `${references.length} references`)
    assert.deepEqual(lost, [])
  })

  test('each protection in security.md names a test', () => {
    const protections = protectionsOf(readFileSync('docs/security.md', 'utf8'))
    assert.ok(protections.length > 20, `${protections.length} protections`)
    assert.deepEqual(
      protections.filter((text) => !/`[\w/-]+\.test\.ts`: "/.test(text)),
      [],
    )
  })

  test('the pages of errors have every error code, and no other', () => {
    const documented = pages.filter((page) => page.startsWith('docs/errors/')).flatMap(codesOfPage)
    assert.deepEqual(documented.toSorted(), [...new Set([...codesOfSource(), ...codesOfYaml()])].toSorted())
  })

  test('errors.md leads to the page of each error code', () => {
    const links = readFileSync('docs/errors.md', 'utf8').matchAll(/\[`([A-Z0-9_]+)`\]\(([\w./-]+)#/g)
    const listed = [...links].map(([, code, page]) => `docs/${page}: ${code}`)
    const explained = pages
      .filter((page) => page.startsWith('docs/errors/'))
      .flatMap((page) => codesOfPage(page).map((code) => `${page}: ${code}`))
    assert.deepEqual(listed.toSorted(), explained.toSorted())
  })
})

// A page is a project of a user's own, which a cluster is sent with what it depends on.
function bePackage(folder: string): void {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) write(path, userManifest)
}

const userManifest = JSON.stringify({ type: 'module', dependencies: { zod: '*' } })

function sessionsOf(ofPage: readonly Block[]): Block[] {
  return ofPage.filter(
    ({ language, text }) => language === 'console' && !(noSlurm && text.includes('slurm.yaml')),
  )
}

function isFirstSteps(block: Block | undefined): boolean {
  return block !== undefined && firstSteps.includes(block.page)
}

function placeOf({ page, line }: Block): string {
  return `${page}:${line}`
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function exportedNames(): string[] {
  const lists = [...readFileSync('src/index.ts', 'utf8').matchAll(/^export (?:type )?\{([^}]*)\}/gm)]
  const names = lists.flatMap(([, list]) => list!.split(','))
  return names.map((name) => name.replace('type ', '').trim()).filter((name) => name !== '')
}

const sharedOptions = {
  strict: true,
  experimentalDecorators: true,
  rewriteRelativeImportExtensions: true,
  types: ['node'],
  rootDir: root,
  skipLibCheck: true,
}

const compilerOptions: ts.CompilerOptions = {
  ...sharedOptions,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
}

/** Compiles all blocks as one program; returns what is wrong, each with its place on its page. */
function compile(all: readonly PageFile[]): string {
  const byPath = new Map(all.map((file) => [file.path, file]))
  const paths = [...byPath.keys()].filter((path) => path.endsWith('.ts'))
  const program = ts.createProgram(paths, compilerOptions)
  program.emit(undefined, (path, text) => write(compiledPath(path), text))
  return ts
    .getPreEmitDiagnostics(program)
    .map((diagnostic) => diagnosis(diagnostic, byPath))
    .join('\n')
}

function diagnosis({ file, start = 0, messageText }: ts.Diagnostic, byPath: Map<string, PageFile>): string {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n')
  const found = file && byPath.get(file.fileName)
  if (!found) return message
  const prelude = found.block.name ? 0 : 1
  const line = found.block.line + file.getLineAndCharacterOfPosition(start).line - prelude
  return `${found.block.page}:${line} ${message}`
}

function compiledPath(path: string): string {
  return join(root, relative(root, path).replace(/(^|\/)src\//, '$1dist/'))
}

function urlOf({ path }: PageFile): string {
  return pathToFileURL(compiledPath(path).replace(/\.ts$/, '.js')).href
}

/** Imports a module; what it throws is told by its message. */
const runner = 'import(process.argv[1]).catch((error) => console.log(error.message))'

/** What is said of the YAML, INI and JSON of a page. */
async function judged(ofPage: readonly Block[]): Promise<string[]> {
  const { page } = ofPage[0]!
  const folder = folderOf(page, root)
  write(
    join(folder, 'judge.js'),
    judge(
      ofPage,
      files.filter(({ block }) => block.page === page),
    ),
  )
  return JSON.parse(await shell('node judge.js', folder))
}

const commandLine = resolve('dist/cli/main.js')

/** Runs a script and returns what it prints, on either stream. */
function shell(script: string, cwd: string): Promise<string> {
  const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, ...env } = process.env
  const options = { cwd, env: { ...env, NO_COLOR: '1', HOME: join(root, 'home') } }
  return new Promise((done) => {
    execFile('sh', ['-c', `(\n${script}\n) 2>&1`], options, (_error, printed) => done(printed))
  })
}

/** The command of this build, in place of an installed one. */
const npx = `npx() { if [ "$1" = flambeau ]; then shift; node ${quoted(commandLine)} "$@"; fi; }`

/** What was printed, with the folders, ids and moments that the page has in place of those of today. */
function anywhere(printed: string, { page, text, output = '' }: Block): string {
  const named = printed.replaceAll(join(root, 'home'), '/home/ada').replaceAll(folderOf(page, root), '/jobs')
  return atAnyTime(named, `${text}${output}`)
}

function linksOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(/^```.*?^```$/gms, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
}

function leadsSomewhere(link: string, page: string): boolean {
  if (/^https?:/.test(link)) return true
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : join(dirname(page), path)
  return existsSync(target) && (anchor === undefined || headingsOf(target).includes(anchor))
}

interface Reference {
  readonly file: string
  readonly name: string
}

/** The tests that a page names: a file, and behind it names in quotes, which may go on in the next line. */
function referencesOf(page: string): Reference[] {
  const lists = page.matchAll(/`([\w/-]+\.test\.ts)`:((?:,?\s+"(?:\\"|[^"])+")+)/g)
  return [...lists].flatMap(([, file, names]) =>
    [...names!.matchAll(/"([^"]+)"/g)].map(([, name]) => ({ file: file!, name: name!.replace(/\s+/g, ' ') })),
  )
}

/** Whether a file has a test or group of this name; of a name that is made by a template, its fixed beginning counts. */
function hasTest(path: string, name: string): boolean {
  const titles = readFileSync(path, 'utf8').matchAll(
    /\b(?:test|describe)\(\s*(?:'((?:\\'|[^'])+)'|"([^"]+)"|`([^`]+)`)/g,
  )
  return [...titles].some(([, single, double, template]) =>
    template ? template.startsWith(name.trimEnd()) : (single?.replaceAll("\\'", "'") ?? double) === name,
  )
}

/** The bullets of a page that state a protection: all but those of sections and bullets that say what is not protected. */
function protectionsOf(page: string): string[] {
  const sections = page.split(/^## /m).filter((section) => !section.startsWith('What is not protected'))
  const bullets = sections.flatMap((section) => section.match(/^- .*(?:\n {2}.*)*/gm) ?? [])
  return bullets.filter((bullet) => !unprotected.some((beginning) => bullet.startsWith(beginning)))
}

// What the reader has to know or to do, in place of a protection.
const unprotected = [
  '- `load` calls',
  '- A file may declare',
  '- The top node of a file is run',
  '- Below the top node',
  '- `allow` names a tag',
  '- **Not masked**',
]

function headingsOf(page: string): string[] {
  const headings = [...readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

/** The codes that a page explains: each is a heading, or the first cell of a row. */
function codesOfPage(page: string): string[] {
  const titles = readFileSync(page, 'utf8').matchAll(/^(?:##+ ([A-Z][A-Z0-9_]+)$|\| `([A-Z][A-Z0-9_]+)`)/gm)
  return [...titles].map(([, heading, row]) => heading ?? row!)
}

/** The codes that errors are made with: texts in capitals, less those that something is compared with. */
function codesOfSource(): Set<string> {
  const codes = new Set<string>()
  const names = readdirSync('src', { recursive: true, encoding: 'utf8' })
  for (const name of names.filter((name) => name.endsWith('.ts'))) collectCodes(parseSource(name), codes)
  return codes
}

function parseSource(name: string): ts.SourceFile {
  return ts.createSourceFile(name, readFileSync(join('src', name), 'utf8'), ts.ScriptTarget.ES2022, true)
}

const noCodes =
  /^(?:E[A-Z]+|ERR_\w+|SIG[A-Z]+|DEFAULT|GET|HEAD|DENY|CI|HOME|TERM|KILL|NULL|TRUE|FALSE|COUNT|MODULE_NOT_FOUND|CERTIFICATE|LICENSE|PATH|NODE_OPTIONS|TSX_\w+|FLAMBEAU_\w+|(?:CUDA|ROCR|HIP|PCI)_\w+|SLURMD?_(?:CPUS|JOB|MEM|NODENAME|TIME)\w*|BOOT_FAIL|CANCELLED|COMPLETED|DEADLINE|FAILED|NODE_FAIL|OUT_OF_MEMORY|PENDING|PREEMPT\w+|REQUEUE\w*|RESV_\w+|REVOKED|SPECIAL_EXIT|TIMEOUT|[CG]PU|[MG]B)$/

function collectCodes(node: ts.Node, codes: Set<string>): void {
  if (ts.isStringLiteral(node) && /^[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*$/.test(node.text) && !isCompared(node))
    if (!noCodes.test(node.text)) codes.add(node.text)
  ts.forEachChild(node, (child) => collectCodes(child, codes))
}

function isCompared({ parent }: ts.Node): boolean {
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind !== ts.SyntaxKind.QuestionQuestionToken
}

// Those that the package `yaml` gives for options that are not used here.
const foreign = new Set(['MULTIPLE_DOCS', 'NON_STRING_KEY'])

/** The codes of the package `yaml`, which are ours, too. */
function codesOfYaml(): string[] {
  const types = readFileSync('node_modules/yaml/dist/errors.d.ts', 'utf8')
  const [union = ''] = /type ErrorCode = [^;]*/.exec(types) ?? []
  return [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code!).filter((code) => !foreign.has(code))
}
