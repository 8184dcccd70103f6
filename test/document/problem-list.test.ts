// A small file may have problems by the ten thousand: the first are shown, the others are counted, and what each costs is
// bounded. Work is counted here, not time; `bench/problems.js` measures it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { check, checkFile, type Problem, parseSecrets, Registry, SecretsFileError } from 'flambeau'
import { z } from 'zod'
import { refused } from '../support/problems.js'

/** Counts how often it is asked for all of its tags. */
class CountingRegistry extends Registry {
  asked = 0
  override *writableTags() {
    this.asked++
    yield* super.writableTags()
  }
  override tags() {
    this.asked++
    return super.tags()
  }
}

const lines = (count: number, line: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => line(at)).join('')
const options = (count: number) => `!Strict { ${lines(count, (at) => `k${at}: 1, `)} }`

describe('of very many problems', () => {
  const folder = mkdtempSync(join('build', 'problems-'))
  after(() => rmSync(folder, { recursive: true }))
  const registry = new Registry()
  registry.add(class Strict {}, '!Strict', { schema: z.strictObject({ near: z.number().optional() }) })
  registry.add(class Numbers {}, '!Numbers', { schema: z.record(z.string(), z.number()) })

  const kinds: Record<string, [code: string, text: string]> = {
    'unknown options': ['UNKNOWN_OPTION', options(5_000)],
    'wrong options': ['BAD_OPTION', `!Numbers { ${lines(5_000, (at) => `k${at}: x, `)} }`],
    'unknown tags': ['UNKNOWN_TAG', lines(5_000, (at) => `- !T${at} x\n`)],
    'unknown tags in documents': ['UNKNOWN_TAG', lines(5_000, (at) => `---\n!T${at} x\n`)],
    'duplicate keys': ['DUPLICATE_KEY', lines(5_001, () => 'k: 1\n')],
    'unknown aliases': ['UNKNOWN_ALIAS', lines(5_000, (at) => `- *a${at}\n`)],
  }
  for (const [kind, [code, text]] of Object.entries(kinds))
    test(`${kind}: the first are shown, the others counted`, () => {
      const problems = check(text, { registry })
      assert.equal(problems.length, 1_000)
      assert.ok(
        problems.slice(0, 999).every((problem) => problem.code === code && problem.rest === undefined),
      )
      assertRest(problems.at(-1)!)
      if (kind.endsWith('documents')) return
      const error = refused(text, { registry })
      assert.deepEqual(error.problems, problems)
      assert.match(error.message, /^5000 problems in /)
      assert.match(error.message, /\n\n\.\.\. and 4,900 more$/)
      assert.notEqual(error.name, 'FlambeauError')
    })

  function assertRest({ code, rest, message, line, frame }: Problem): void {
    assert.deepEqual([code, rest], ['MORE_PROBLEMS', 4_001])
    assert.equal(message, '4,001 more problems are not shown: correct those above first')
    assert.ok(line > 0 && frame !== '')
  }

  test('those of several kinds are counted together, in the order of the file', () => {
    const problems = check(`a: ${options(3_000)}\nb:\n${lines(3_000, () => '- !No x\n')}`, { registry })
    assert.equal(problems.length, 1_000)
    assert.equal(problems.at(-1)!.rest, 5_001)
    const places = problems.map(({ line, column }) => line * 1e6 + column)
    assert.deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    )
  })

  test('a thousand are all shown', () => {
    const problems = check(
      lines(1_000, () => '- !No x\n'),
      { registry },
    )
    assert.ok(problems.every(({ code }) => code === 'UNKNOWN_TAG') && problems.length === 1_000)
  })

  test('near names are looked for a hundred times; a mistake that repeats has its hint each time', () => {
    const counting = new CountingRegistry()
    for (let at = 0; at < 50; at++) counting.add(class {}, `!Layer${at}Model`)
    const hinted = (text: string) => check(text, { registry: counting }).filter(({ hint }) => hint).length
    assert.equal(hinted(lines(500, (at) => `- !Layer${at + 50}Modl x\n`)), 100)
    assert.ok(counting.asked <= 3, `asked ${counting.asked} times`)
    assert.equal(hinted(lines(500, () => '- !Layer1Modl x\n')), 500)
  })

  test('each way of printing says how many there are', () => {
    const file = join(folder, 'many.yaml')
    writeFileSync(
      file,
      lines(5_000, (at) => `- !T${at} x\n`),
    )
    const flambeau = (...args: string[]) => {
      const { stdout, status } = spawnSync(process.execPath, ['dist/cli/main.js', 'check', file, ...args], {
        encoding: 'utf8',
      })
      assert.equal(status, 22)
      return stdout
    }
    assert.match(flambeau(), /^5000 problems in [\s\S]*\n\.\.\. and 4,900 more\n/)
    assertRest(JSON.parse(flambeau('--json')).at(-1))
    const annotations = flambeau('--format', 'github').trimEnd().split('\n')
    assert.equal(annotations.length, 1_000)
    assert.match(annotations.at(-1)!, /4,001 more problems are not shown/)
  })

  test('those of secrets and of declared extensions, too', async () => {
    const secrets = await parseSecrets(`[A]\n${lines(5_000, () => 'k = 1\n')}`).then(
      () => assert.fail('accepted'),
      (error) => error,
    )
    assert.ok(secrets instanceof SecretsFileError)
    assert.equal(secrets.problems.length, 1_000)
    const file = join(folder, 'job.yaml')
    writeFileSync(file, `${lines(5_000, (at) => `e${at}: "a b"\n`)}---\n!Strict {}\n`)
    const problems = await checkFile(file, { registry })
    assert.deepEqual([problems.length, problems.at(-1)!.rest], [1_000, 4_001])
  })
})
