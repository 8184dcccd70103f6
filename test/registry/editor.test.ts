import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { LanguageServer } from '../support/language-server.js'

// In a file, so that the command line can import it.
const classes = `
import { MappedRegistrable, Runnable, Template, register, registrable } from 'flambeau'
import { z } from 'zod'

const rate = z.number().default(0.1).describe('How far a step goes')
class Sgd extends MappedRegistrable.with(z.strictObject({ rate, momentum: z.number().default(0) })) {}
registrable('!Sgd')(Sgd)
class OldSgd extends Sgd {}
registrable('!OldSgd', { deprecated: 'write "!Sgd"', schema: z.strictObject({ lr: z.number() }) })(OldSgd)
const options = { data: z.string(), optimizer: z.instanceof(Sgd), epochs: z.int().default(1), extra: z.any().optional() }
class Train extends Runnable.with(z.strictObject(options)) { static fromFile() {} }
registrable('!Train', { factories: ['fromFile'] })(Train)
const each = z.instanceof(Template)
registrable('!Study', { templates: ['each'], schema: z.strictObject({ each }) })(class Study extends Runnable { run() {} })
registrable('!Plain')(class Plain { constructor(options) { this.options = options } })
register(URL, '!Url', { fromYaml: (builder, node) => new URL(builder.constructScalar(node)) })
`

const folder = mkdtempSync(join('build', 'editor-'))
after(() => rmSync(folder, { recursive: true }))

function flambeauSchema(...flags: string[]): string {
  const args = ['dist/cli/main.js', 'schema', '--import', `./${join(folder, 'classes.mjs')}`, ...flags]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

describe('an editor with what "flambeau schema" prints', () => {
  let server: LanguageServer
  before(async () => {
    writeFileSync(join(folder, 'classes.mjs'), classes)
    const file = join(folder, 'schema.json')
    writeFileSync(file, flambeauSchema())
    const schemas = { [pathToFileURL(file).href]: '*.job.yaml' }
    server = await LanguageServer.start({ schemas, customTags: JSON.parse(flambeauSchema('--custom-tags')) })
  })
  after(() => server.stop())

  async function complaints(text: string): Promise<string[]> {
    const found = await server.diagnose(text)
    return found.map(
      ({ range, message }) => `${range.start.line + 1}:${range.start.character + 1} ${message}`,
    )
  }

  async function offered(text: string): Promise<string[]> {
    return (await server.complete(text)).map(({ label }) => label)
  }

  const valid = {
    'nested classes': '!Train\ndata: a\noptimizer: !Sgd\n  rate: 0.1\nepochs: 2\n',
    'a class without options': '!Train\ndata: a\noptimizer: !Sgd\n',
    'an anchor': '!Train\ndata: a\noptimizer: &it !Sgd { rate: 1 }\nextra: [*it, *it]\n',
    'data where anything may stand': '!Train\ndata: a\noptimizer: !Sgd {}\nextra: { rate: fast }\n',
    'a class without a schema, in the very words of another': '!Plain { data: 1, optimizer: 2 }\n',
    'a factory without a schema': '!Train.fromFile { data: 1, optimizer: 2 }\n',
    'a class with a reader of its own': '!Url http://localhost\n',
    extensions:
      'my_ext: ./path\ndata: https://host/x\noptimizer: name@^1\n---\n!Train\ndata: a\noptimizer: !Sgd\n',
    'several objects': '- !Sgd { rate: 1 }\n- !Url http://localhost\n',
    'a template':
      '!Study\neach: !Train { data: !Plain { of: [a, b] }, optimizer: !Sgd { rate: !Plain { of: 1 } } }\n',
    'no tag at all': 'a: 1\n',
    'values from elsewhere':
      '!Train\ndata: !env DATA\noptimizer: !include sgd.yaml\nepochs: !ref extra.n\nextra: { n: !env { name: N, default: 1 } }\n',
    'values from elsewhere inside others':
      '!Train\ndata: !format "{extra}"\noptimizer: !Sgd { rate: !link extra, momentum: !@ extra }\nextra: 1\n',
    'a file that extends another': '!extends\nfile: base.yaml\nset:\n  optimizer.rate: 1\n',
    nothing: '',
  }
  for (const [name, text] of Object.entries(valid))
    test(`does not complain about ${name}`, async () => assert.deepEqual(await complaints(text), []))

  test('complains about a wrong type inside a tagged node, at its line', async () => {
    const text = '!Train\ndata: a\noptimizer: !Sgd\n  momentum: 1\n  rate: fast\n'
    assert.deepEqual(await complaints(text), ['5:9 Incorrect type. Expected "number".'])
  })

  test('still complains about a missing value', async () => {
    const text = '!Train\ndata: a\noptimizer: !Sgd\n  rate: ~\n'
    assert.deepEqual(await complaints(text), ['4:9 Incorrect type. Expected "number".'])
  })

  test('complains about a wrong type at the top', async () => {
    const text = '!Train\ndata: a\noptimizer: !Sgd\nepochs: many\n'
    assert.deepEqual(await complaints(text), ['4:9 Incorrect type. Expected "integer".'])
  })

  test('complains about an unknown option', async () => {
    const text = '!Train\ndata: a\noptimizer: !Sgd { raet: 1 }\n'
    assert.deepEqual(await complaints(text), ['3:19 Property raet is not allowed.'])
  })

  test('complains about a class that may not stand here', async () => {
    const [complaint] = await complaints('!Train\ndata: a\noptimizer: !Plain { rate: 1 }\n')
    assert.match(complaint!, /^3:19 Incorrect type. Expected "!Sgd/)
  })

  test('says what to write instead of a deprecated tag', async () => {
    const text = '!Train\ndata: a\noptimizer: !OldSgd { lr: 1 }\n'
    assert.deepEqual(await complaints(text), ['3:1 write "!Sgd"'])
  })

  test('offers tags', async () => {
    const tags = await offered('!Train\ndata: a\noptimizer: !|\n')
    for (const tag of ['!Sgd', '!Train.fromFile', '!Url']) assert.ok(tags.includes(tag), tag)
  })

  test('offers the options of a nested class that are not there yet, and no others', async () => {
    const found = await offered('!Train\ndata: a\noptimizer: !Sgd\n  rate: 1\n  |\n')
    assert.deepEqual(
      found.filter((label) => !label.startsWith('!')),
      ['momentum'],
    )
  })

  test('offers the options of a class of which only some are there', async () => {
    const found = await offered('!Train\ndata: a\nep|\n')
    assert.deepEqual(
      found.filter((label) => !label.startsWith('!')),
      ['optimizer', 'epochs', 'extra'],
    )
  })

  test('offers options with their default and their description', async () => {
    const found = await server.complete('!Train\ndata: a\noptimizer: !Sgd\n  ra|\n')
    const rate = found.find(({ label }) => label === 'rate')
    assert.equal(rate?.insertText, 'rate: $'.concat('{1:0.1}'))
    assert.match(JSON.stringify(rate?.documentation), /How far a step goes/)
  })
})
