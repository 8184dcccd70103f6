// What is wrong in a module that "--import" names: which line it is, and what to type.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { installedTools, nodeOf } from '../support/consumers.js'
import { TypeScriptProject } from '../support/typescript-project.js'

let project: TypeScriptProject
before(() => {
  project = new TypeScriptProject({ tsx: false }).files({
    'package.json': '{ "name": "mistakes", "type": "module", "dependencies": { "zodiac": "*" } }',
    'train.yaml': '!Train {}\n',
    'util.js': 'export const x = 1\n',
    'etl.js': 'export const x = 1\n',
    'dist/etl.js': 'export const x = 1\n',
    'dist/built.js': 'export const x = 1\n',
    'src/source.ts': 'export const x: number = 1\n',
    'models/index.js': 'export const x = 1\n',
    'greet.ts': 'export const x: number = 1\n',
  })
  mkdirSync(join(project.folder, 'empty'))
})
after(() => project.end())

const using = (...modules: string[]) =>
  project.flambeau(['check', 'train.yaml', ...modules.flatMap((module) => ['--import', module])])

/** What is said of a module with this text: the message, and the line and column. */
async function saidOf(text: string, file = 'wrong.js'): Promise<[message: string, position: string]> {
  project.file(file, text)
  const { code, stdout, stderr } = await using(`./${file}`)
  assert.notEqual(code, 0)
  assert.equal(stdout, '')
  assert.doesNotMatch(stderr, /node:internal|flambeau\/dist/)
  const [message = '', , position = ''] = stderr.split('\n')
  return [message, position.trim()]
}

describe('an import that leads nowhere', () => {
  const cases: [text: string, message: string, position: string][] = [
    [
      "\nimport './util'\n",
      '"./util" is no file, since an import needs the extension: write "./util.js"',
      '2:8',
    ],
    [
      "import {\n  x,\n} from './models'\n",
      '"./models" is a folder, and an import names a file: write "./models/index.js"',
      '3:8',
    ],
    ["await import('./utli.js')\n", 'There is no module "./utli.js": did you mean "./util.js"?', '1:14'],
    [
      "export * from './nothing-like-it.js'\n",
      'There is no module "./nothing-like-it.js": check the path',
      '1:15',
    ],
    [
      "import { x } from './greet.js'\n",
      'There is no module "./greet.js", only "greet.ts": write "./greet.ts", or type "npm i -D tsx"',
      '1:19',
    ],
    ["import 'zodiak'\n", 'Package "zodiak" is not installed: did you mean "zodiac"?', '1:8'],
    ["import 'zodiac/mini'\n", 'Package "zodiac" is not installed: type "npm install"', '1:8'],
    ["import '@no/such'\n", 'Package "@no/such" is not installed: type "npm install @no/such"', '1:8'],
  ]
  for (const [text, message, position] of cases)
    test(`${text.trim()}`, async () => {
      assert.deepEqual(await saidOf(text), [message, `wrong.js:${position}`])
    })

  test('in another module is named with that module', async () => {
    project.file('between.js', "import './util'\n")
    const [, position] = await saidOf("import './between.js'\n")
    assert.equal(position, 'between.js:1:8')
  })

  test('of CommonJS is named, too', async () => {
    const [message, position] = await saidOf("const x = 1\nrequire('./utils')\n", 'wrong.cjs')
    assert.equal(message, 'There is no module "./utils": did you mean "./util.js"?')
    assert.equal(position, 'wrong.cjs:2:9')
  })
})

describe('a module that throws', () => {
  test('is shown with the first line of the user', async () => {
    const [message, position] = await saidOf('const give = (x) => x.y\n\ngive(null)\n')
    assert.match(
      message,
      /^Module "\.\/wrong\.js" threw an error while it was imported: TypeError: Cannot read/,
    )
    assert.equal(position, 'wrong.js:1:23')
  })

  test('is shown without a line when it threw no error', async () => {
    const said = await saidOf("throw 'a text'\n")
    assert.deepEqual(said, ['Module "./wrong.js" threw an error while it was imported: a text', ''])
  })

  test('is shown with its line when the library refused what it registers', async () => {
    const text = "import { registrable } from 'flambeau'\nregistrable('Train')(class {})\n"
    const [message, position] = await saidOf(text)
    assert.match(message, /^"Train" is not a tag/)
    assert.equal(position, 'wrong.js:2:1')
  })

  test('is shown with its line when an export is missing', async () => {
    const [message, position] = await saidOf("import { nope } from './util.js'\n")
    assert.match(message, /does not provide an export named 'nope'$/)
    assert.equal(position, 'wrong.js:1:10')
  })
})

describe('a module that is not found', () => {
  const cases: [module: string, meant: string][] = [
    ['./dist/elt.js', './dist/etl.js'],
    ['./dits/etl.js', './dist/etl.js'],
    ['./greet.js', './greet.ts'],
    ['./dist/greet.js', './greet.ts'],
    ['./dist/source.js', './src/source.ts'],
    ['./built.js', './dist/built.js'],
    ['./built.ts', './dist/built.js'],
    ['./etl', './etl.js'],
    ['./models', './models/index.js'],
    ['etl', './etl.js'],
    ['zodiak', 'zodiac'],
  ]
  for (const [module, meant] of cases)
    test(`${module} was probably meant to be ${meant}`, async () => {
      const { code, stderr } = await using(module)
      assert.equal(code, 22)
      assert.ok(stderr.startsWith(`Module "${module}" was not found, `), stderr)
      assert.ok(stderr.endsWith(`: did you mean "${meant}"?\n`), stderr)
    })

  for (const module of ['./completely-different.js', './empty/other-name.js', 'no-such-package'])
    test(`nothing is suggested for ${module}`, async () => {
      assert.match((await using(module)).stderr, /: check "--import"\n$/)
    })

  test('a folder without an index is said to be one', async () => {
    const { code, stderr } = await using('./empty')
    assert.deepEqual([code, stderr], [22, 'Module "./empty" is a folder: name a module in it\n'])
  })

  test('the suggestion is absolute when the path is', async () => {
    const { stderr } = await using(join(project.folder, 'dist/elt.js'))
    assert.ok(stderr.endsWith(`did you mean "${join(project.folder, 'dist/etl.js')}"?\n`), stderr)
  })

  test('that a dependency is not installed is said', async () => {
    assert.match((await using('zodiac')).stderr, /: type "npm install"\n$/)
  })
})

describe('a tag that is unknown', () => {
  test('is that of an exported class without a decorator', async () => {
    const text = "import { Runnable } from 'flambeau'\nexport class Train extends Runnable { run() {} }\n"
    const { code, stdout } = await using(project.file('train.js', text))
    assert.equal(code, 22)
    const file = join(project.folder, 'train.js')
    const message = `Unknown tag "!Train": "${file}" exports the class "Train" without a tag, so put "@registrable('!Train')" above it\n`
    assert.ok(stdout.startsWith(message), stdout)
  })

  test('is written in another case', async () => {
    project.file('tagged.js', "import { registrable } from 'flambeau'\nregistrable('!train')(class {})\n")
    assert.match((await using('./tagged.js')).stdout, /^Unknown tag "!Train": did you mean "!train"\?$/m)
  })
})

test('TypeScript in an imported module needs tsx on Node 20', async () => {
  project.file('entry.js', "import './greet.ts'\n")
  const node = nodeOf(await installedTools(), '20')
  const { stderr } = await project.flambeau(['tags', '--import', './entry.js'], { node })
  assert.match(
    stderr,
    /: name the TypeScript module itself, or type "npm i -D tsx" and set NODE_OPTIONS="--import tsx"$/m,
  )
})
