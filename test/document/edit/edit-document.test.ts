import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { load, Registry } from 'flambeau'
import { random } from '../../support/random.js'
import {
  type Part,
  partAt,
  partOf,
  partsOf,
  plain,
  put,
  RandomDocument,
  remove,
  type Step,
  typedValues,
} from '../../support/random-overrides.js'

const emitted = (file: string) => import(pathToFileURL(join('build/js/document', file)).href)
const { parse } = await emitted('read/parse.js')
const { parseOverrides } = await emitted('edit/parse-overrides.js')
const { editDocument } = await emitted('edit/edit-document.js')
const { printPath } = await emitted('path.js')

class Box {
  constructor(readonly options: Record<string, unknown> = {}) {}
}
const registry = new Registry()
registry.add(Box, '!Box')

const seed = Number(
  process.env['SEED'] ?? [...import.meta.url].reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
)
const pairs = Number(process.env['EDIT_PAIRS'] ?? 2_000)

function edit(text: string, set: unknown, index = 0) {
  const { overrides, problems } = parseOverrides(set, registry)
  const edited = editDocument(parse(text, 'train.yaml'), index, overrides)
  return { ...edited, text: edited.parsed.source.text, problems: [...problems, ...edited.problems] }
}

describe(`random overrides of random documents (seed ${seed})`, () => {
  let applied = 0
  let lines = 0
  test('give what editing the plain data gives, and leave everything else as it is', () => {
    const next = random(seed)
    for (let count = 0; count < pairs; count++) {
      const document = new RandomDocument(next)
      assert.ok(
        isDeepStrictEqual(load(document.text, { registry }), plain(document.root, Box)),
        document.text,
      )
      const { set, apply } = randomOverrides(document)
      const { text, problems } = edit(document.text, set)
      const context = () => `${document.text}\n--- ${set.join('\n--- ')}\n--- is\n${text}`
      for (const { code } of problems) assert.equal(code, 'HAS_ALIASES', `${context()}\n${code}`)
      const refused = new Set(problems.map(({ file }: any) => file))
      const touched = apply((number) => !refused.has(`<argument ${number}>`))
      applied += set.length - refused.size
      assert.ok(isDeepStrictEqual(loaded(text, context), plain(document.root, Box)), context())
      lines += checkLines(document.text, text, touched, context)
    }
  })

  test('are many', () => assert.ok(applied > pairs && lines > pairs, `${applied} ${lines}`))
})

function loaded(text: string, context: () => string): unknown {
  try {
    return load(text, { registry })
  } catch (cause) {
    throw new Error(`${context()}\n${cause}`, { cause })
  }
}

interface Change {
  readonly text: string
  /** The steps to what it replaces, removes or changes. */
  readonly steps: readonly Step[]
  /** Applies it to the model; returns the parts that it removes. */
  apply(): Part[]
}

function randomOverrides(document: RandomDocument): {
  set: string[]
  apply: (isApplied: (number: number) => boolean) => Set<string>
} {
  const { root } = document
  const before = new Map(
    [...partsOf(root)].map(([steps, part]) => [part, [...keyWords(steps.at(-1)), ...wordsOf(part)]]),
  )
  const changes: Change[] = []
  // Each is chosen for the document before all: those that no longer fit then are left out.
  for (let count = 1 + document.below(4); count > 0; count--) {
    const change = randomChange(document)
    if (change) changes.push(change)
  }
  const apply = (isApplied: (number: number) => boolean) => {
    const touched = new Set<string>()
    for (const [index, change] of changes.entries()) {
      if (!isApplied(index + 1)) continue
      const around = ancestors(root, change.steps)
      for (const part of change.apply()) for (const word of before.get(part) ?? []) touched.add(word)
      // The line of a key may end in another way when its value does, or when that is empty now, or was.
      for (const [depth, part] of around.entries()) {
        const isEmpty = 'items' in part ? part.items.length < 2 : 'entries' in part && part.entries.length < 2
        const isChanged = ('flow' in part && part.flow) || isEmpty
        for (const word of isChanged ? (before.get(part) ?? []) : []) touched.add(word)
        for (const word of isChanged ? keyWords(change.steps[depth - 1]) : []) touched.add(word)
      }
      for (const word of keyWords(change.steps.at(-1))) touched.add(word)
    }
    return touched
  }
  return { set: changes.map(({ text }) => text), apply }
}

const taken = new WeakMap<RandomDocument, Set<string>>()

// No two changes are of one path, or of a path and one above it.
function randomChange(document: RandomDocument): Change | undefined {
  const { root } = document
  const paths = [...partsOf(root)].filter(([steps]) => steps.length > 0)
  const [steps, part] = paths[document.below(paths.length)]!
  const own = taken.get(document) ?? new Set()
  taken.set(document, own)
  const key = JSON.stringify(steps).slice(0, -1)
  if ([...own].some((other) => other.startsWith(key) || key.startsWith(other))) return undefined
  const parent = partAt(root, steps.slice(0, -1))!
  const [typed, value, isTagged] = typedValues[document.below(typedValues.length)]!
  const path = pathText(steps)
  const kind = document.below(5)
  const made = () => partOf(value, isTagged)
  if (kind === 0 && parent.kind === 'map') {
    own.add(key)
    // The entry below may move up to the dash of the first one.
    const next = parent.entries[0]![1] === part ? parent.entries.slice(1, 2) : []
    const apply = () => {
      remove(root, steps)
      return [part, ...next.map(([, value]) => value)]
    }
    return { text: `~${path}`, steps, apply }
  }
  if (kind === 1 && part.kind === 'list') {
    own.add(key)
    const apply = () => {
      part.items.push(made())
      return []
    }
    return { text: `${path}+=${typed}`, steps: [...steps, -1], apply }
  }
  if (kind === 2 && part.kind === 'map') {
    own.add(key)
    const below = document.below(2) ? ['new key', 'below'] : ['new']
    const apply = () => {
      const added = below.length === 1 ? made() : partOf({ below: null })
      if (below.length > 1) put(added, ['below'], made())
      put(root, [...steps, below[0]!], added)
      return []
    }
    return { text: `${pathText([...steps, ...below])}=${typed}`, steps: [...steps, 'new'], apply }
  }
  own.add(key)
  const apply = () => {
    put(root, steps, made())
    return [part]
  }
  return { text: `${path}=${typed}`, steps, apply }
}

function keyWords(step: Step | undefined): string[] {
  return typeof step === 'string' ? step.split(' ') : []
}

function ancestors(root: Part, steps: readonly Step[]): Part[] {
  return steps.map((_, depth) => partAt(root, steps.slice(0, depth))!)
}

function pathText(steps: readonly Step[]): string {
  return printPath(
    steps.map((step) =>
      typeof step === 'number' ? { kind: 'index', index: step } : { kind: 'key', name: step },
    ),
  )
}

function wordsOf(part: Part): string[] {
  return [...partsOf(part)].flatMap(([steps, each]) => [
    ...(each.kind === 'leaf' && each.word ? [each.word] : []),
    ...steps.filter((step) => typeof step === 'string').flatMap((step) => step.split(' ')),
  ])
}

const words = /v\d+w/g

// A line whose words are all of parts that stay is the same line, in the same order.
function checkLines(
  before: string,
  after: string,
  touched: ReadonlySet<string>,
  context: () => string,
): number {
  const expected = before
    .replace('\ufeff', '')
    .split('\n')
    .filter((line) => {
      const [code = ''] = line.split(/ # (?:on|in) |# above /)
      const found = code.match(words)
      return found?.every((word) => !touched.has(word))
    })
  const lines = after.replace('\ufeff', '').split('\n')
  let from = 0
  for (const [index, line] of expected.entries()) {
    const isLast = before.endsWith(line) && index === expected.length - 1
    const place = lines.findIndex(
      (other, number) =>
        number >= from &&
        (other === line ||
          (isLast && other === `${line}\r`) ||
          (`${other}\r` === line && number === lines.length - 1)),
    )
    assert.ok(place >= 0, `${JSON.stringify(line)}\n${context()}`)
    from = place + 1
  }
  return expected.length
}
