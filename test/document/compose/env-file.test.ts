import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { isFlambeauError } from 'flambeau'

const { readEnvFile, variablesWith } = await import(
  pathToFileURL(resolve('build/js/document/compose/env-file.js')).href
)

const folder = mkdtempSync(join(tmpdir(), 'flambeau-env-'))
after(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
function file(content: string | Buffer): string {
  const path = join(folder, `${++files}.env`)
  writeFileSync(path, content)
  return path
}

function pipe(): string {
  const path = join(folder, 'pipe.env')
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  return path
}

describe('an env file', () => {
  test('is read as Node reads it', async () => {
    const names = ['A', 'B', 'C', 'D', 'E', 'F']
    const text = `# a comment\nA=1\nexport B = " two "\nC='a\nb' # more\nD=\nE="x\\ny"\r\nF=a#b\n`
    const path = file(text)
    const script = `console.log(JSON.stringify(${JSON.stringify(names)}.map((name) => process.env[name])))`
    const { stdout } = spawnSync(process.execPath, [`--env-file=${path}`, '-e', script], {
      env: {},
      encoding: 'utf8',
    })
    const read = await readEnvFile(path)
    assert.deepEqual(
      names.map((name) => read[name]),
      JSON.parse(stdout),
    )
  })

  test('does not change the environment, or any prototype', async () => {
    const before = { ...process.env }
    const read = await readEnvFile(file('FLAMBEAU_ENV_TEST=1\n__proto__=x\nconstructor=y\n'))
    assert.deepEqual({ ...process.env }, before)
    assert.equal(read['constructor'], 'y')
    assert.equal(({} as Record<string, unknown>)['FLAMBEAU_ENV_TEST'], undefined)
  })

  test('gives way to a later one, and to the process', async () => {
    const paths = [file('A=1\nB=1\nC=1\n'), file('B=2\nC=2\n')]
    const { A, B, C, D } = await variablesWith(paths, { C: '3', D: '3' })
    assert.deepEqual([A, B, C, D], ['1', '2', '3', '3'])
  })

  const wrong: [title: string, path: () => string, code: string, message: RegExp][] = [
    [
      'that does not exist',
      () => join(folder, 'no.env'),
      'NO_FILE',
      /^Env file ".*no\.env" does not exist: check/,
    ],
    ['that is a folder', () => folder, 'IS_FOLDER', /is a folder: name the file in it, such as "\.env"$/],
    [
      'that is not UTF-8',
      () => file(Buffer.from('A=hunter\xff\n', 'latin1')),
      'NOT_UTF8',
      /is not UTF-8: save it/,
    ],
    [
      'of more than 1 MB',
      () => file(`A=${'hunter2'.repeat(200_000)}`),
      'ENV_FILE_TOO_LARGE',
      /more than 1 MB/,
    ],
    ['without an end', () => '/dev/zero', 'UNREADABLE', /is not a regular file/],
    ['that is a pipe', pipe, 'UNREADABLE', /is not a regular file/],
  ]
  for (const [title, path, code, message] of wrong)
    test(`refuses a file ${title}, and shows none of its lines`, async () => {
      await assert.rejects(readEnvFile(path()), (error) => {
        assert.ok(isFlambeauError(error))
        assert.deepEqual([error.code, error.exitCode], [code, 22])
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /hunter/)
        return true
      })
    })
})
