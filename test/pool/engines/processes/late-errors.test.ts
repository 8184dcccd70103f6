// What a task leaves behind and throws after its end is nobody else's failure.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { openPool } from 'flambeau/pool'
import { tasks } from '../../../support/engine-conformance.js'
import { Reckless } from '../../../support/pool-tasks.js'

const execute = promisify(execFile)
const folder = mkdtempSync(join(process.cwd(), 'build', 'late-'))
after(() => rmSync(folder, { recursive: true, force: true }))

describe('what a task throws after its end', () => {
  for (const how of ['promise', 'timer', 'nested'])
    test(`in a ${how} fails no other task, and is printed with its name`, async () => {
      const program = join(folder, `${how}.mjs`)
      const text = `
        import { openPool } from 'flambeau/pool'
        import { Careless, Takes } from ${JSON.stringify(String(tasks))}
        const pool = await openPool({ imports: [${JSON.stringify(String(tasks))}], workers: 1, crashRetries: 0 })
        const first = await pool.map([new Careless({ how: '${how}' })], { taskId: () => 'careless' }).next()
        const next = []
        for await (const outcome of pool.map([1, 2].map(() => new Takes({ ms: 400 })))) next.push(outcome)
        await pool.close()
        console.log(JSON.stringify([first.value.result, ...next.map(({ ok, attempts }) => [ok, attempts])]))`
      writeFileSync(program, text)
      const { stdout, stderr } = await execute(process.execPath, [program])
      assert.deepEqual(JSON.parse(stdout), ['done', [true, 1], [true, 1]])
      assert.match(
        stderr,
        /^(?:\[\w+\] )?Task "careless" threw an error after its end: Error: late \\u001b\[1m$/m,
      )
    })

  test('is its own failure while it runs', async () => {
    await using pool = await openPool({
      imports: [tasks],
      workers: 1,
      crashRetries: 0,
      folder: mkdtempSync(join(tmpdir(), 'flambeau-late-')),
    })
    for await (const outcome of pool.map([new Reckless()], { onError: 'collect' })) {
      assert.equal(outcome.ok, false)
      assert.equal(!outcome.ok && outcome.error.code, 'TASK_CRASHED')
    }
  })
})
