import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { defaultRegistry, jsonSchema } from 'flambeau'
import 'flambeau/cluster'
import 'flambeau/pool'
import { Editor, EditorProject, positionAt } from '../support/editor.js'
import { manifestOf } from '../support/editor-classes.js'

const { parse } = await import(pathToFileURL(join('build/js/document/read/parse.js')).href)
const modules = ['iris/index', 'cluster/index', 'custom-yaml/duration']
for (const name of modules) await import(pathToFileURL(join('build/examples', `${name}.js`)).href)

const definitions = (jsonSchema() as { definitions: Record<string, { properties?: object }> }).definitions
const examples = [
  'iris/train.yaml',
  'iris/continue.yaml',
  'iris/momentum.yaml',
  'iris/sweep.yaml',
  'cluster/census.yaml',
  'cluster/cluster.yaml',
  'custom-yaml/limits.yaml',
  'embedded/report.yaml',
  'extension/job.yaml',
]

/** What stands in a part of an example. */
type Part =
  | { readonly kind: 'tag'; readonly text: string }
  | { readonly kind: 'key'; readonly text: string; readonly tag: string | undefined }
  | { readonly kind: 'scalar' }

/** What is typed with the character before an offset: a tag, a key with the tag of its mapping, or a value. */
function partsOf(text: string): (Part | undefined)[] {
  const parts: (Part | undefined)[] = Array.from({ length: text.length + 1 })
  const fill = (start: number, end: number, part: Part): void => {
    for (let offset = start + 1; offset <= end; offset++) parts[offset] = part
  }
  const visit = (node: any): void => {
    if (node.kind === 'scalar') fill(node.start, node.end, { kind: 'scalar' })
    for (const item of node.items ?? []) visit(item)
    for (const { key, value } of node.entries ?? []) {
      visit(value)
      fill(key.start, key.end, { kind: 'key', text: text.slice(key.start, key.end), tag: node.tag })
    }
    if (node.tagStart >= 0) fill(node.tagStart, node.tagEnd, { kind: 'tag', text: node.tag })
  }
  for (const { root } of parse(text, '').documents) visit(root)
  return parts
}

function optionsOf(tag: string | undefined): string[] {
  if (tag === '!extends') return ['file', 'set']
  return Object.keys(definitions[tag ?? '']?.properties ?? {})
}

const property = 10

describe('while an example is typed', () => {
  let project: EditorProject
  let editor: Editor
  before(async () => {
    project = new EditorProject({
      'package.json': manifestOf(modules.map((name) => `./examples/${name}.ts`)),
    })
    cpSync('examples', project.path('examples'), { recursive: true })
    cpSync('tsconfig.json', project.path('tsconfig.json'))
    editor = await Editor.start(project.folder)
    editor.open('job.yaml', '!Nope')
    await editor.untilShown('job.yaml', (problems) => problems.length > 0)
  })
  after(async () => {
    assert.equal(await editor.stop(), 0)
    assert.equal(editor.stderr, '')
    assert.deepEqual(editor.messages, [])
    project.remove()
  })

  /** Compares what is offered and explained at the end of `typed`, the beginning of an example, with what comes there. */
  async function expectRight(file: string, typed: string, part: Part | undefined): Promise<void> {
    const position = positionAt(typed, typed.length)
    const [items, hover] = await Promise.all([
      editor.completeAt(file, position),
      editor.hoverAt(file, position),
    ])
    const labels = items.map(({ label }) => label)
    const explained = hover ? (hover.contents as { value: string }).value : ''
    const keys = items.filter(({ kind }) => kind === property).map(({ label }) => label)
    const where = `${JSON.stringify(typed.slice(-60))}: ${labels.slice(0, 20)}`
    if (part?.kind === 'tag') {
      assert.ok(
        labels.every((label) => label.startsWith('!')),
        where,
      )
      if (defaultRegistry.has(part.text)) assert.ok(labels.includes(part.text), where)
    } else if (part?.kind === 'key') {
      const options = optionsOf(part.tag)
      assert.ok(options.length === 0 || labels.includes(part.text) || !options.includes(part.text), where)
      if (part.tag)
        assert.ok(
          keys.every((key) => options.includes(key) || key === 'env'),
          where,
        )
    } else if (part === undefined) {
      // Any option that is offered between words is one of a class that the file names.
      const tags = [...typed.matchAll(/![\w.]+/g)].flatMap(([tag]) => optionsOf(tag))
      assert.ok(
        keys.every((key) => tags.includes(key) || /^(?:file|set|name|default|text|env)$/.test(key)),
        where,
      )
    }
    if (part?.kind === 'tag' && typed.endsWith(part.text) && defaultRegistry.has(part.text))
      assert.ok(explained.includes(part.text), where)
  }

  for (const name of examples)
    test(`${name}: at its end, and with the rest of it below`, async () => {
      const text = readFileSync(join('examples', name), 'utf8')
      const parts = partsOf(text)
      const file = `examples/${name}`
      editor.open(file, '')
      await editor.problems(file)
      for (let end = 0; end < text.length; end++) {
        editor.type(file, end, text[end]!)
        await expectRight(file, text.slice(0, end + 1), parts[end + 1])
      }
      assert.deepEqual(
        await editor
          .problems(file)
          .then((found) => found.filter((each) => !/NOT_BUILT|UNKNOWN_TAG/.test(each))),
        [],
      )
      // Each line once more, letter by letter, between the lines above and below.
      let start = 0
      for (const line of text.split('\n')) {
        editor.replace(file, text.slice(0, start) + text.slice(start + line.length))
        for (let length = 1; length <= line.length; length++) {
          editor.type(file, start + length - 1, line[length - 1]!)
          await expectRight(file, text.slice(0, start + length), parts[start + length])
        }
        start += line.length + 1
      }
      editor.close(file)
    })
})
