/**
 * `npm run bench:editor`: what a person waits for while typing, from process to process, beside yaml-language-server with the JSON
 * Schema of the same classes, in the same rounds. It does not know tags: it checks less.
 */
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Editor, EditorProject, positionAt } from '../build/test/legacy/support/editor.js'

const classes = `
import { MappedRegistrable, Runnable, registrable } from 'flambeau'
import { z } from 'zod'
const options = { rate: z.number().positive(), name: z.string(), nested: z.any(), other: z.string() }
class Sgd extends MappedRegistrable.with(z.strictObject(options)) {}
registrable('!Sgd')(Sgd)
class Train extends Runnable.with(z.strictObject({ data: z.string(), items: z.array(z.instanceof(Sgd)) })) { run() {} }
registrable('!Train')(Train)
`

const entry = [
  '  - !Sgd',
  '    rate: 0.1',
  '    name: "hello world"',
  '    nested: { a: 1, b: [1, 2, 3] }',
  '    other: some plain text',
  '',
].join('\n')

function textOf(lines) {
  return `!Train\ndata: x\nitems:\n${entry.repeat(Math.ceil((lines - 3) / 5))}`
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1]

/** Types a text into the middle of a file, and waits for the problems and the completions after each character. */
async function type(editor, name, { offset, typed }) {
  const times = { problems: [], completion: [] }
  for (const [index, character] of [...typed].entries()) {
    const started = performance.now()
    editor.type(name, offset + index, character)
    await editor.raw(name)
    const shown = performance.now()
    await editor.completeAt(name, positionAt(editor.text(name), offset + index + 1))
    times.problems.push(shown - started)
    times.completion.push(performance.now() - shown)
  }
  return times
}

const project = new EditorProject({
  'package.json': JSON.stringify({ type: 'module', flambeau: { imports: ['./classes.js'] } }),
  'classes.js': classes,
})
const schema = (...flags) => {
  const args = [resolve('dist/cli/main.js'), 'schema', ...flags]
  return spawnSync(process.execPath, args, { cwd: project.folder, encoding: 'utf8' }).stdout
}
project.write('schema.json', schema())
const peerSettings = {
  schemas: { [pathToFileURL(project.path('schema.json')).href]: '*.yaml' },
  customTags: JSON.parse(schema('--custom-tags')),
  validate: true,
  completion: true,
  schemaStore: { enable: false },
}

const servers = {
  flambeau: () => Editor.start(project.folder),
  'yaml-language-server': () =>
    Editor.start(
      project.folder,
      [resolve('node_modules/yaml-language-server/bin/yaml-language-server'), '--stdio'],
      peerSettings,
    ),
}

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`)
console.log('Medians in milliseconds after a key stroke; behind them, the ratio to yaml-language-server.')
for (const lines of [300, 5000])
  for (const [what, typed] of Object.entries({
    'inside a value': 'abcdefghijklmnopqrst',
    'a new entry': `\n${entry.trimEnd()}`,
  })) {
    const found = {}
    for (const [server, start] of Object.entries(servers)) {
      const editor = await start()
      const text = textOf(lines)
      const name = `${server}-${lines}.yaml`
      editor.open(name, text)
      await editor.raw(name)
      // A new entry begins with Enter at the end of a line.
      const middle = text.indexOf('\n  - !Sgd', text.length / 2)
      const offset = typed.startsWith('\n') ? middle : text.indexOf('some plain', middle)
      found[server] = await type(editor, name, { offset, typed })
      await editor.stop()
    }
    for (const kind of ['problems', 'completion']) {
      const [own, peer] = Object.values(found).map((times) => median(times[kind]))
      const shown = `${own.toFixed(1).padStart(7)} ms  ${(own / peer).toFixed(2)} x`
      console.log(`${String(lines).padStart(5)} lines, ${what.padEnd(15)} ${kind.padEnd(10)} ${shown}`)
    }
  }
project.remove()
