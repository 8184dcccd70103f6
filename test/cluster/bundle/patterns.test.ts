// Which files a pattern names: as in a shell.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { isFlambeauError, Runnable, registrable } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'

class Idle extends Runnable {
  override run(): void {}
}
registrable('!Idle')(Idle)

describe('a pattern of files to send', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-patterns-'))
  after(() => rmSync(folder, { recursive: true }))
  const cluster = new LocalCluster({ name: 'patterns', folder: join(folder, 'hosts') })
  const files = [
    'a.csv',
    'b.csv',
    'c.txt',
    '.hidden.csv',
    'data/x.csv',
    'data/deep/y.csv',
    'data/deep/z.json',
    'data/.cache/w.csv',
    'node_modules/p/q.csv',
    'odd[1].csv',
    'odd1.csv',
    'a+b(1).csv',
    'package.json',
  ]
  mkdirSync(join(folder, 'empty/inner'), { recursive: true })
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), '')
  }
  symlinkSync('..', join(folder, 'data/deep/up'))

  const found = async (...patterns: string[]): Promise<string[]> => {
    const [plan] = await cluster.planContent(new Idle(), { files: patterns, projectFolder: folder })
    return plan!.parts.map(({ path }) => path).sort()
  }

  const data = ['data/.cache/w.csv', 'data/deep/y.csv', 'data/deep/z.json', 'data/x.csv']
  const cases: Readonly<Record<string, readonly string[]>> = {
    'a.csv': ['a.csv'],
    './data/': data,
    'data/**': data,
    '?.csv': ['a.csv', 'b.csv'],
    '[!a].csv': ['b.csv'],
    '[a-c].{csv,txt}': ['a.csv', 'b.csv', 'c.txt'],
    'data/*.csv': ['data/x.csv'],
    '**/**/**/*.json': ['data/deep/z.json', 'package.json'],
    '**/*.csv': ['a+b(1).csv', 'a.csv', 'b.csv', 'data/deep/y.csv', 'data/x.csv', 'odd1.csv', 'odd[1].csv'],
    'data/**/*.json': ['data/deep/z.json'],
    '{data/deep,data}/*.csv': ['data/deep/y.csv', 'data/x.csv'],
    '.*.csv': ['.hidden.csv'],
    'node_modules/*/q.csv': ['node_modules/p/q.csv'],
    'odd[1].csv': ['odd[1].csv'],
    'a+b(?).csv': ['a+b(1).csv'],
  }
  for (const [pattern, expected] of Object.entries(cases))
    test(pattern, async () => assert.deepEqual(await found(pattern), expected))

  test('may exclude some of the others', async () => {
    assert.deepEqual(await found('data', '!data/.cache', '!data/**/*.json'), [
      'data/deep/y.csv',
      'data/x.csv',
    ])
    assert.deepEqual(await found(join(folder, 'data'), `!${join(folder, 'data/deep')}`, '!data/.*'), [
      'data/x.csv',
    ])
    assert.deepEqual(await found('.', '!../elsewhere', '!../*'), await found('.'))
  })

  test('may exclude what is outside of the project, which is not sent anyway', async () => {
    assert.deepEqual(await found('data/x.csv', '!../other'), ['data/x.csv'])
    assert.ok((await found('.', '!..')).includes('a.csv'))
  })

  test('that is empty is a mistake: it names no folder', async () => {
    await assert.rejects(found(''), { code: 'NO_FILE_TO_SEND', message: /is empty: write "\."/ })
  })

  test('that finds only empty folders is a mistake, which says that they are not sent', async () => {
    for (const pattern of ['empty', 'emp*'])
      await assert.rejects(found(pattern), {
        code: 'NO_FILE_TO_SEND',
        message: /empty folders.* are not sent/,
      })
  })

  for (const pattern of ['no/*.csv', 'nothing.csv', 'a.csv/*', 'A.csv', '[c-a].csv'])
    test(`${pattern} matches nothing, which is a mistake`, async () => {
      const isNamed = (error: unknown) => isFlambeauError(error) && error.code === 'NO_FILE_TO_SEND'
      await assert.rejects(found(pattern), isNamed)
    })
})
