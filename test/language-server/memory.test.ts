import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Editor, EditorProject } from '../support/editor.js'
import { editorClasses, manifestOf } from '../support/editor-classes.js'

const job = 'job.yaml'

/** The memory of a process, in bytes. */
function residentOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
  return Number(kilobytes) * 1024
}

test('after ten thousand edits, the server and the process of the modules are as large as after some', async () => {
  const project = new EditorProject({
    'package.json': manifestOf(['./classes.js']),
    'classes.js': editorClasses,
  })
  const editor = await Editor.start(project.folder)
  // A text that was kept for each edit would take 200 MB, and nodes made of it many times that.
  const steps = Array.from(
    { length: 400 },
    (_, index) => `  - name: step number ${index} &\n    optimizer: !Sgd { rate: 1 }\n`,
  )
  const text = `!Train\ndata: &data a.csv\noptimizer: !Sgd\nsteps:\n${steps.join('').replaceAll(' &', '')}`
  assert.ok(text.length > 20_000)
  editor.open(job, text)
  assert.deepEqual(await editor.problems(job), [])
  const child = Number(readFileSync(`/proc/${editor.pid}/task/${editor.pid}/children`, 'utf8').trim())
  const offset = text.indexOf('a.csv')
  const sizes: number[] = []
  for (let edit = 0; edit < 10_000; edit++) {
    if (edit % 2 === 0) editor.type(job, offset, 'x')
    else editor.type(job, offset, '', 1)
    if (edit % 10 === 0) await editor.completeAt(job, { line: 4, character: 10 })
    if (edit % 20 === 19) await editor.problems(job)
    if (edit % 2500 === 2499) sizes.push(residentOf(editor.pid), residentOf(child))
  }
  const [server = 0, modules = 0] = sizes
  const [serverAtEnd = 0, modulesAtEnd = 0] = sizes.slice(-2)
  const megabytes = sizes.map((size) => Math.round(size / 1e6)).join(', ')
  assert.ok(serverAtEnd - server < 50e6, `the server: ${megabytes}`)
  assert.ok(modulesAtEnd - modules < 50e6, `the modules: ${megabytes}`)
  assert.equal(await editor.stop(), 0)
  project.remove()
})
