// Uncommitted changes of private files: no record contains them, also when nothing else has changed.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { RecordProject } from '../support/record-project.js'

const canary = 'canary-0f3a9c1e77'

describe('the patch of a record', () => {
  let project: RecordProject
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
      cwd: project.folder,
    })
  before(() => {
    project = new RecordProject({ secrets: 'secrets.ini' })
    project.useZod()
    project.file('.gitignore', 'node_modules\n.env\nignored\n')
    project.file('secrets.ini', '[AWS]\nKEY = none\n')
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'first')
    project.file('.env', `PASSWORD=${canary}\n`)
    mkdirSync(join(project.folder, 'ignored'))
    writeFileSync(join(project.folder, 'ignored/data.txt'), canary)
    project.file('secrets.ini', `[AWS]\nKEY = ${canary}\n`)
  })
  after(() => project.end())

  test('is absent when only private files have changed', async () => {
    assert.equal((await project.flambeau('run', 'train.yaml')).code, 0)
    assert.deepEqual(project.filesWith(canary), [])
    assert.ok(!project.has('changes.patch'))
    const { dirty, left } = project.record()['git']
    assert.deepEqual([dirty, left], [true, ['secrets.ini']])
  })

  test('leaves the secrets file out of what "rerun" compares, too', async () => {
    const { code, stderr } = await project.flambeau('rerun', 'last')
    assert.equal(code, 0)
    assert.doesNotMatch(stderr, /other code/)
  })

  test('has the other changes beside private ones', async () => {
    project.file('base.js', 'export const base = 2\n')
    await project.flambeau('run', 'train.yaml')
    const patch = readFileSync(project.path(project.ids[0]!, 'changes.patch'), 'utf8')
    assert.deepEqual(patch.match(/^diff --git .*$/gm), ['diff --git a/base.js b/base.js'])
    assert.deepEqual(project.filesWith(canary), [])
  })
})
