// The first steps, as a reader takes them: each command of README.md and docs/start-here.md is typed into a shell, in an
// empty folder with an empty home folder, and each file that they show is saved. npm installs the packed package.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Block, blocksOf, firstSteps } from '../support/code-blocks.js'
import { Consumers } from '../support/consumers.js'
import { NpmRegistry } from '../support/npm-registry.js'
import { Reader } from '../support/reader.js'
import { atAnyTime, patternOf, scriptOf } from '../support/sessions.js'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
let consumers: Consumers
let registry: NpmRegistry
const readers: Reader[] = []

function newReader(): Reader {
  const reader = new Reader(registry.url)
  readers.push(reader)
  return reader
}

describe('first steps', () => {
  before(async () => {
    consumers = await Consumers.install()
    registry = await NpmRegistry.start()
    registry.others = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()
    registry.publish(manifest, consumers.tarball)
  })
  after(async () => {
    for (const reader of readers) reader.leave()
    await registry?.stop()
    await consumers?.remove()
  })

  for (const page of firstSteps)
    test(`every command of ${page} works, in order`, async () => {
      const reader = newReader()
      for (const block of blocksOf(page).filter(({ notRun }) => !notRun)) await follow(block, reader)
    })

  test('the files that README.md shows are those that "flambeau init" writes', () => {
    const blocks = blocksOf('README.md')
    const shown = (name: string) => blocks.find((block) => block.name === name)?.text
    const templates = Object.fromEntries(
      ['greet.yaml', 'src/greet.ts'].map((name) => [name, readFileSync(join('template', name), 'utf8')]),
    )
    assert.equal(shown('greet.yaml'), templates['greet.yaml'])
    assert.equal(shown('src/greet.ts'), `// src/greet.ts\n${templates['src/greet.ts']}`)
  })

  test('a project from a tarball, in folders whose names need quotes: the printed commands work', async () => {
    const reader = newReader()
    await reader.type("mkdir 'my files' && cd 'my files'")
    cpSync(consumers.tarball, join(reader.folder, basename(consumers.tarball)))
    const tarball = `./${basename(consumers.tarball)}`
    const printed = await reader.type(
      `npx --yes --package '${tarball}' flambeau init "it's #1 @100%" --package '${tarball}'`,
    )
    const commands = commandsIn(printed)
    assert.equal(commands.length, 4)
    assert.match(await reader.type(commands.join('\n')), /Good day, Countess Ada\n.*pass 2/s)
    assert.equal(basename(reader.folder), "it's #1 @100%")
    await reader.type('npm run typecheck && npm start')
  })

  test('a project in the current folder: the printed commands work', async () => {
    const reader = newReader()
    const commands = commandsIn(await reader.type('npx flambeau init'))
    assert.equal(commands.length, 4)
    assert.match(await reader.type(commands.join('\n')), /Countess Ada\n.*Countess Grace\n.*pass 2/s)
  })

  describe('a project of "flambeau init"', () => {
    let project: string
    before(() => {
      project = join(consumers.folder, 'init')
      cpSync('template', project, { recursive: true })
    })

    for (const compiler of ['typescript59', 'typescript', 'typescript7'])
      test(`has no mistakes for ${compiler}`, async () => {
        await consumers.tool(`${compiler}/bin/tsc`, ['-p', '.'], 'init')
      })

    test('works in Vitest', async () => {
      testWithVitest(join(project, 'src/greet.test.ts'))
      assert.match(await consumers.tool('vitest/vitest.mjs', ['run'], 'init'), /Tests {2}2 passed/)
    })
  })

  test('the project of docs/start-here.md works in Vitest as it stands', async () => {
    const project = join(consumers.folder, 'start')
    mkdirSync(join(project, 'src'), { recursive: true })
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
    for (const { name, text } of blocksOf('docs/start-here.md'))
      if (name) writeFileSync(join(project, name), text)
    testWithVitest(join(project, 'src/train.test.ts'))
    assert.match(await consumers.tool('vitest/vitest.mjs', ['run'], 'start'), /Tests {2}3 passed/)
  })
})

/** Does what a block says: saves the file, or types the commands. */
async function follow(block: Block, reader: Reader): Promise<void> {
  const { name, text, language, page, line } = block
  if (name !== undefined) reader.write(name, onThisMachine(text))
  if (language === 'sh') await reader.type(text)
  if (language !== 'console') return
  const printed = await reader.type(scriptOf(text))
  assert.match(atAnyTime(printed, text), patternOf(text), `${page}:${line}`)
}

/** README.md says how to try a cluster without machines. */
function onThisMachine(text: string): string {
  return text.replace('!SSHCluster', '!LocalCluster').replace(/^orchestrator_ip: .*\n/m, '')
}

/** The commands that "flambeau init" prints: the lines below "Type:". */
function commandsIn(printed: string): string[] {
  const [, below = ''] = printed.split('\nType:\n')
  return [...below.matchAll(/^ {2}(\S.*)$/gm)].map(([, command]) => command!)
}

/** Vitest runs the same test: only where "test" comes from differs. */
function testWithVitest(file: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace("from 'node:test'", "from 'vitest'"))
}
