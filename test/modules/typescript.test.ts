// TypeScript modules on every release of Node, with the "tsx" of their project and without.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { installedTools, nodeOf, nodes } from '../support/consumers.js'
import { TypeScriptProject } from '../support/typescript-project.js'

/** A decorator that only works in its own form: the other one compiles to another call, or not at all. */
const forms = {
  legacy: {
    tsconfig: '{ "compilerOptions": { "experimentalDecorators": true } }',
    decorator:
      "const form = (_target: object, _key: string, index: number) => { kind = 'parameter ' + index }",
    method: 'method(@form value: number): number { return value }',
    prints: 'parameter 0',
  },
  standard: {
    tsconfig: '{ "compilerOptions": { "strict": true } }',
    decorator: 'const form = (_method: unknown, context: DecoratorContext) => { kind = context.kind }',
    method: '@form method(value: number): number { return value }',
    prints: 'method',
  },
}

const train = ({ decorator, method }: { decorator: string; method: string }) => `
import { Runnable, registrable } from 'flambeau'
import { openPool } from 'flambeau/pool'
import { Double } from './tasks.js'

let kind = 'none'
${decorator}
enum Factor { two = 2 }

@registrable('!Train')
export class Train extends Runnable<string> {
  constructor(private readonly options: { n: number }) { super(options) }

  ${method}

  async run(): Promise<string> {
    await using pool = await openPool({ imports: [new URL('./tasks.ts', import.meta.url)], workers: 1 })
    for await (const { result } of pool.map([new Double({ n: this.options.n * Factor.two })])) return \`\${kind}, \${result}\`
    return 'nothing'
  }
}
`

const tasks = `
import { Runnable, registrable } from 'flambeau'

@registrable('!Double')
export class Double extends Runnable<number> {
  readonly n: number
  constructor({ n }: { n: number }) { super({ n }); this.n = n }
  run(): number { return 2 * this.n }
}
`

const plain = `
import { Runnable, registrable } from 'flambeau'

export class Train extends Runnable<string> {
  run(): string { return 'plain' satisfies string }
}
registrable('!Train')(Train)
`

let tools: string
const releases = Object.keys(nodes) as (keyof typeof nodes)[]
const projects: TypeScriptProject[] = []

function project(files: Readonly<Record<string, string>>, options?: { tsx: boolean }): TypeScriptProject {
  const made = new TypeScriptProject(options).files({ 'train.yaml': '!Train { n: 3 }\n', ...files })
  projects.push(made)
  return made
}

before(async () => {
  tools = await installedTools()
})
after(() => {
  for (const each of projects) each.end()
})

for (const version of releases)
  describe(`TypeScript on Node ${version}, with tsx`, () => {
    const on = () => ({ node: nodeOf(tools, version) })

    for (const [name, form] of Object.entries(forms))
      test(`runs ${name} decorators here and in a pool, in any folder`, async () => {
        const made = project({ 'tsconfig.json': form.tsconfig, 'train.ts': train(form), 'tasks.ts': tasks })
        const paths = ['train.yaml', 'train.ts'].map((name) => join(made.folder, name))
        const args = ['run', paths[0]!, '--import', paths[1]!]
        const expected = { code: 0, stdout: `${form.prints}, 12\n`, stderr: '' }
        for (const cwd of [made.folder, tmpdir()])
          assert.deepEqual(await made.flambeau(args, { ...on(), cwd }), expected)
      })

    test('finds the tags of .mts, .cts and .tsx files', async () => {
      const made = project({
        'a.mts': plain,
        'b.cts': plain.replace('!Train', '!B'),
        'c.tsx': plain.replace('!Train', '!C'),
      })
      const imports = ['./a.mts', './b.cts', './c.tsx'].flatMap((each) => ['--import', each])
      const { stdout, stderr } = await made.flambeau(['tags', ...imports], on())
      for (const tag of ['!Train', '!B', '!C']) assert.match(stdout, new RegExp(`^${tag}\\b`, 'm'), stderr)
    })

    test('runs a CommonJS project with one copy of the library', async () => {
      const made = project({
        'package.json': '{ "type": "commonjs" }',
        'train.ts': plain.replace("'plain'", 'word').replace('\n\n', "\nimport { word } from './word'\n\n"),
        'word.ts': "export const word: string = 'CommonJS'\n",
      })
      const ended = await made.flambeau(['run', 'train.yaml', '--import', './train.ts'], on())
      assert.deepEqual(ended, { code: 0, stdout: 'CommonJS\n', stderr: '' })
    })
  })

describe('TypeScript without tsx', () => {
  for (const version of ['22', '24'] as const)
    test(`runs on Node ${version}`, async () => {
      const made = project({ 'train.ts': plain }, { tsx: false })
      const ended = await made.flambeau(['run', 'train.yaml', '--import', './train.ts'], {
        node: nodeOf(tools, version),
      })
      assert.equal(ended.stdout, 'plain\n', ended.stderr)
    })

  const message = (version: keyof typeof nodes, reason: string) =>
    `Node ${nodes[version]} cannot run "./train.ts", ${reason}: type "npm i -D tsx"\n`
  const cases: [keyof typeof nodes, code: string, reason: string, frame: string][] = [
    ['20', plain, 'which is TypeScript', ''],
    ...(['22', '24'] as const).flatMap((version): [typeof version, string, string, string][] => [
      [
        version,
        tasks,
        'or a module that it imports, without a compiler (it does not support decorators)',
        '',
      ],
      [
        version,
        'export const a = 1\nenum Kind { a }\n',
        'or a module that it imports, without a compiler (TypeScript enum is not supported in strip-only mode)',
        '\n  train.ts:2:1\n  1 | export const a = 1\n  2 | enum Kind { a }\n    | ^\n',
      ],
    ]),
  ]
  for (const [version, code, reason, frame] of cases)
    test(`says on Node ${version} what to type: ${reason}`, async () => {
      const made = project({ 'train.ts': code }, { tsx: false })
      const ended = await made.flambeau(['check', 'train.yaml', '--import', './train.ts'], {
        node: nodeOf(tools, version),
      })
      assert.deepEqual(ended, { code: 22, stdout: '', stderr: message(version, reason) + frame })
    })

  test('names the folder in which to type it', async () => {
    const made = project({ 'train.ts': plain }, { tsx: false })
    const options = { node: nodeOf(tools, '20'), cwd: tmpdir() }
    const { stderr } = await made.flambeau(['tags', '--import', join(made.folder, 'train.ts')], options)
    assert.ok(stderr.endsWith(`type "npm i -D tsx" in "${made.folder}"\n`), stderr)
  })
})

describe('tsx', () => {
  /** The scripts of tsx that a command loads: V8 itself counts them. */
  async function loaded(module: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
    const made = project({ 'train.ts': plain, 'train.mts': plain, 'train.js': javascript })
    const coverage = mkdtempSync(join(tmpdir(), 'flambeau-loaded-'))
    try {
      const options = { env: { ...env, NODE_V8_COVERAGE: coverage } }
      const ended = await made.flambeau(['run', 'train.yaml', '--import', module], options)
      assert.equal(ended.stdout, 'plain\n', ended.stderr)
      const reports = readdirSync(coverage).map((name) =>
        JSON.parse(readFileSync(join(coverage, name), 'utf8')),
      )
      const urls = reports.flatMap(({ result }) => result.map(({ url }: { url: string }) => url))
      return urls.filter((url) => url.includes('/tsx/dist/'))
    } finally {
      rmSync(coverage, { recursive: true, force: true })
    }
  }

  const javascript = plain.replace(/<string>|: string| satisfies string/g, '')
  const isInterface = (url: string) => url.includes('/esm/api/')

  test('is loaded for a TypeScript module, and for no other', async () => {
    assert.ok((await loaded('./train.ts')).some(isInterface))
    assert.deepEqual(await loaded('./train.js'), [])
  })

  test('compiles decorators into helpers, which are not where a decorator is refused', async () => {
    const code =
      "import { Runnable, registrable } from 'flambeau'\n@registrable\nexport class Train extends Runnable {}\n"
    const made = project({ 'train.ts': code })
    const { stderr } = await made.flambeau(['tags', '--import', './train.ts'])
    assert.match(stderr, /^"@registrable" was not called with a tag/)
    assert.match(stderr, /^ {2}train\.ts:[23]:\d+\n {2}1 \| import .*\n {2}2 \| @registrable$/m)
  })

  for (const module of ['./train.ts', './train.mts'])
    test(`is not registered again by a program that runs under it: ${module}`, async () => {
      const urls = await loaded(module, { NODE_OPTIONS: '--import tsx' })
      assert.ok(urls.length > 0)
      assert.deepEqual(urls.filter(isInterface), [])
    })
})
