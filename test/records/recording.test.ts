// What a record has when a run prints in pieces, and what stays right when the disk is full.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { RecordProject } from '../support/record-project.js'

const secret = 'canary-0f3a9c1e77'
// JSON and YAML write it in another way.
const token = 'canary"5b8d\\2e6f'

describe('the log of a record', () => {
  let project: RecordProject
  before(() => {
    project = new RecordProject({ secrets: 'secrets.ini', imports: ['./print.js'] })
    project.useZod()
    project.file('secrets.ini', `[AWS]\nKEY = ${secret}\n`)
    project.file('env.txt', `API_TOKEN='${token}'\n`)
    project.file(
      'print.js',
      `import { registrable, Runnable } from 'flambeau'
import { z } from 'zod'
class Print extends Runnable.with(z.object({ token: z.string() })) {
  run() {
    for (const piece of ['a canary-0f3', 'a9c1e77 b\\n']) process.stdout.write(piece)
    const bytes = Buffer.from('caf\\u00e9\\n')
    for (const piece of [bytes.subarray(0, 4), bytes.subarray(4)]) process.stdout.write(piece)
    console.log(JSON.stringify({ token: this.options.token }))
    process.stdout.write('no line end')
  }
}
registrable('!Print')(Print)`,
    )
    project.file('print.yaml', '!Print\ntoken: !env API_TOKEN\n')
    project.file('ext/package.json', '{ "name": "ext", "type": "module", "exports": "./index.js" }')
    project.file(
      'ext/index.js',
      `import { Runnable, registrable } from 'flambeau'
console.log('imported with ${secret}')
export class Echo extends Runnable { run() {} }
registrable('!Echo')(Echo)`,
    )
    project.file('echo.yaml', 'tools: ./ext\n---\n!tools.Echo {}\n')
  })
  after(() => project.end())

  test('has whole characters, and no secret that is printed in pieces or as JSON', async () => {
    const { code, stdout, stderr } = await project.flambeau('run', 'print.yaml', '--env-file', 'env.txt')
    assert.equal(code, 0, stderr)
    assert.ok(stdout.includes(secret) && stdout.includes(JSON.stringify(token)), stdout)
    const lines = project.textOf('log.txt').split('\n')
    assert.deepEqual([lines[0], lines[1], lines[3]], ['a [secret] b', 'café', 'no line end'])
    for (const part of [secret, token, JSON.stringify(token).slice(1, -1)])
      assert.deepEqual(project.filesWith(part), [])
  })

  test('has no secret that is printed before the record exists', async () => {
    const { code, stdout } = await project.flambeau('run', 'echo.yaml')
    assert.deepEqual([code, stdout], [0, `imported with ${secret}\n`])
    assert.equal(project.textOf('log.txt'), 'imported with [secret]\n')
  })
})

describe('the end of a run on a full disk is recorded', () => {
  const modules = Array.from({ length: 80 }, (_, n) => `a-module-with-a-rather-long-name-${n}.js`)
  const isRecorded = async (context: { skip(message: string): void }, tag: string) => {
    const project = new RecordProject({ runs: 'disk/runs', imports: ['./fill.js'] })
    const disk = join(project.folder, 'disk')
    mkdirSync(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=160k', 'none', disk])
    if (mounted.status !== 0) return context.skip('cannot mount a small disk')
    try {
      for (const name of modules) project.file(name, 'export {}\n')
      const imports = modules.map((name) => `import './${name}'\n`).join('')
      project.file(
        'fill.js',
        `${imports}import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { registrable, Runnable } from 'flambeau'
const recorded = () => {
  const [id] = readdirSync('disk/runs').filter((name) => /^\\d/.test(name))
  return readFileSync('disk/runs/' + id + '/run.json', 'utf8')
}
class Fill extends Runnable {
  async run({ progress }) {
    // The code is recorded, which makes run.json longer.
    while (this.constructor === Fill && !recorded().includes('${modules.at(-1)}')) await delay(10)
    for (let n = 0; n < 6000; n++) progress({ n, text: 'x'.repeat(50) })
    if (this.constructor !== Fill) throw new Error('"'.repeat(20_000))
  }
}
class Fail extends Fill {}
registrable('!Fill')(Fill)
registrable('!Fail')(Fail)`,
      )
      project.file('fill.yaml', `${tag} {}\n`)
      const { code, stderr } = await project.flambeau('run', 'fill.yaml')
      assert.equal(stderr.match(/The record of this run ends here/g)?.length, 1)
      const [id] = readdirSync(join(disk, 'runs')).filter((name) => /^\d/.test(name))
      const record = JSON.parse(readFileSync(join(disk, 'runs', id!, 'run.json'), 'utf8'))
      assert.deepEqual([record.state, record.exitCode], code === 0 ? ['succeeded', 0] : ['failed', code])
      return code
    } finally {
      spawnSync('umount', [disk])
      project.end()
    }
  }

  test('also with many modules', async (context) => {
    assert.equal((await isRecorded(context, '!Fill')) ?? 0, 0)
  })

  test('also with a long error', async (context) => {
    assert.equal((await isRecorded(context, '!Fail')) ?? 1, 1)
  })
})
