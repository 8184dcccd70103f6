import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { dump, load, loadFile, Registry, resolveFile } from 'flambeau'
import { change, type Edit, edits } from '../../support/random-edits.js'
import { type Model, model, type Part, rendered } from '../../support/random-yaml.js'
import { difference } from '../../support/same-graph.js'

class Box {
  constructor(readonly options: Record<string, unknown> = {}) {}
}

const registry = new Registry()
registry.add(Box, '!Box')
const options = { registry }
const numRuns = Number(process.env['INCLUDE_RUNS'] ?? 300)

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flambeau-random-includes-'))
  await writeFile(join(folder, 'package.json'), '{}')
})
after(() => rm(folder, { recursive: true, force: true }))

/** One file: its model, and which of its leaves include a file that follows it. */
interface RandomFile {
  readonly model: Model
  readonly form: 'yaml' | 'bom' | 'json' | 'leaf' | 'only include'
  readonly leaf: string
  readonly subfolder: boolean
  /** For each leaf in turn, a number that chooses the included file, or nothing. */
  readonly includes: readonly (number | undefined)[]
}

const randomFile: fc.Arbitrary<RandomFile> = fc.record({
  model,
  form: fc.constantFrom(
    ...(['yaml', 'yaml', 'yaml', 'yaml', 'bom', 'json', 'leaf', 'only include'] as const),
  ),
  leaf: fc.constantFrom(
    '5',
    'v # c',
    '|\n  a\n  b\n',
    '>+\n a\n\n',
    '"a\\nb"',
    '2001-01-01',
    '~',
    '[]',
    '!Box {}',
  ),
  subfolder: fc.boolean(),
  includes: fc.array(fc.option(fc.nat(9), { nil: undefined, freq: 1 }), { minLength: 12, maxLength: 12 }),
})

/** The files of a project, the top first; each includes only later ones. */
class Project {
  readonly #values = new Map<number, () => unknown>()
  readonly texts: string[] = []
  readonly names: string[]

  constructor(readonly files: readonly RandomFile[]) {
    this.names = files.map(({ form, subfolder }, index) => {
      const name = `f${index}.${form === 'json' ? 'json' : 'yaml'}`
      return subfolder && index > 0 ? `sub/${name}` : name
    })
    for (let index = files.length - 1; index >= 0; index--) this.#render(index)
  }

  /** A new object graph of a file with all that it includes. */
  value(index = 0): unknown {
    return this.#values.get(index)!()
  }

  async write(into: string): Promise<string> {
    await mkdir(join(into, 'sub'), { recursive: true })
    await Promise.all(this.names.map((name, index) => writeFile(join(into, name), this.texts[index]!)))
    return join(into, this.names[0]!)
  }

  #render(index: number): void {
    const file = this.files[index]!
    const later = this.files.length - index - 1
    const target = (choice: number): number => index + 1 + (choice % later)
    const chosen = file.includes.map((each) => (each === undefined || later === 0 ? undefined : target(each)))
    const path = (to: number): string =>
      relative(dirname(join('/', this.names[index]!)), join('/', this.names[to]!))
    if (file.form === 'only include' && later > 0) {
      this.texts[index] = `# only\n!include ${path(index + 1)}   # x\n`
      this.#values.set(index, () => this.value(index + 1))
      return
    }
    if (file.form === 'leaf') {
      this.texts[index] = file.leaf.endsWith('\n') ? file.leaf : `${file.leaf}\n`
      this.#values.set(index, () => load(this.texts[index]!, options))
      return
    }
    const text = (leaf: (to: number) => string): string =>
      rendered({ ...file.model, root: withLeaves(file.model.root, chosen, leaf) as Model['root'] })
    const bare = text((to) => `MARK${to}`)
    const value = (): unknown => this.#substitute({ it: load(bare, options) }).it
    if (file.form === 'json') {
      const data = JSON.stringify(jsonOf(load(bare, options)), null, index % 2)
      this.texts[index] = `${data}\n`
      this.#values.set(index, () => load(data, options))
      return
    }
    this.texts[index] = (file.form === 'bom' ? '\ufeff' : '') + text((to) => `!include ${path(to)}`)
    this.#values.set(index, value)
  }

  #substitute<T>(value: T, seen = new Set<unknown>()): T {
    if (typeof value !== 'object' || value === null || seen.has(value)) return value
    seen.add(value)
    if (value instanceof Date || value instanceof Uint8Array || value instanceof Map || value instanceof Set)
      return value
    const own = (value instanceof Box ? value.options : value) as Record<string, unknown>
    for (const [key, child] of Object.entries(own)) {
      const mark = typeof child === 'string' ? /^MARK(\d+)$/.exec(child) : null
      if (mark) own[key] = this.value(Number(mark[1]))
      else this.#substitute(child, seen)
    }
    return value
  }
}

function jsonOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)))
}

// Leaves are counted in the order of the text.
function withLeaves(root: Part, chosen: readonly (number | undefined)[], leaf: (to: number) => string): Part {
  let count = 0
  const visit = (part: Part): Part => {
    if (part.kind === 'leaf') {
      const to = chosen[count++ % chosen.length]
      return to === undefined ? part : { ...part, text: leaf(to) }
    }
    if (part.kind === 'list') return { ...part, items: part.items.map(visit) }
    if (part.kind === 'map')
      return { ...part, entries: part.entries.map(([key, value]) => [key, visit(value)] as const) }
    return part
  }
  return visit(root)
}

describe('a document that is split into files at random', () => {
  let runs = 0
  test('loads as one file, is dumped as it was, and resolves to an equal graph, after edits too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(randomFile, { minLength: 2, maxLength: 4 }),
        fc.array(edits, { maxLength: 4 }),
        async (files, steps) => {
          runs++
          await checkProject(new Project(files), steps)
        },
      ),
      { numRuns, includeErrorInReport: true },
    )
    assert.equal(runs >= numRuns, true)
  })
})

async function checkProject(project: Project, steps: readonly Edit[]): Promise<void> {
  const own = join(folder, String(process.hrtime.bigint()))
  const file = await project.write(own)
  const context = (): string => project.names.map((name, i) => `=== ${name}\n${project.texts[i]}`).join('')
  try {
    const root = { value: await loadFile(file, options) }
    assertSame(root.value, project.value(), 'loaded')
    const text = project.texts[0]!.replace(/^\ufeff/, '')
    // A scalar does not know its text.
    if (typeof root.value === 'object' && root.value !== null)
      assert.equal(dump(root.value, options), text.endsWith('\n') ? text : `${text}\n`)
    assertResolved(root.value, dump(root.value, { ...options, resolved: true }))
    assertResolved(root.value, (await resolveFile(file, options)).text)
    for (const step of steps) {
      const { what } = change(root, step)
      const written = dump(root.value, options)
      await writeFile(file, written)
      try {
        const again = await loadFile(file, options)
        assertSame(sorted(again), sorted(root.value), 'loaded again')
        assert.equal(dump(again, options), written)
        assertResolved(sorted(root.value), dump(root.value, { ...options, resolved: true }), sorted)
      } catch (cause) {
        throw new Error(`${what}\n--- is written\n${written}\n${cause}`, { cause })
      }
    }
  } catch (cause) {
    throw new Error(`${context()}\n--- ${cause instanceof Error ? cause.stack : cause}`, { cause })
  } finally {
    await rm(own, { recursive: true })
  }
}

function assertResolved(value: unknown, text: string, view = (value: unknown): unknown => value): void {
  assert.doesNotMatch(text, /!include/)
  let again: unknown
  try {
    again = view(load(text, options))
  } catch (cause) {
    throw new Error(`--- resolved\n${text}\n--- is not read: ${cause}`, { cause })
  }
  assertSame(again, value, `--- resolved\n${text}\n--- differs`)
}

function assertSame(a: unknown, b: unknown, message: string): void {
  const found = difference(a, b)
  // An edit may share a pair of "!!pairs", for which YAML has no anchor.
  if (found?.includes('shared') && isDeepStrictEqual(a, b) && hasPairs(b)) return
  assert.equal(found, undefined, message)
}

function hasPairs(value: unknown): boolean {
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)).includes('["a",')
}

// A text may keep the order of keys that an edit changed.
function sorted(value: unknown, copies = new Map<unknown, unknown>()): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known) return known
  if (value instanceof Map || value instanceof Set) return sortedMembers(value, copies)
  const isPlain = Object.getPrototypeOf(value) === Object.prototype
  if (!isPlain && !Array.isArray(value) && !(value instanceof Box)) return value
  const copy: any = value instanceof Box ? new Box() : Array.isArray(value) ? [] : {}
  copies.set(value, copy)
  for (const key of Object.keys(value).sort()) copy[key] = sorted((value as any)[key], copies)
  return copy
}

function sortedMembers(value: Map<unknown, unknown> | Set<unknown>, copies: Map<unknown, unknown>): unknown {
  const copy = value instanceof Map ? new Map() : new Set()
  copies.set(value, copy)
  if (copy instanceof Set) for (const member of value.values()) copy.add(sorted(member, copies))
  else for (const [key, member] of value.entries()) copy.set(sorted(key, copies), sorted(member, copies))
  return copy
}
