// The folder in which the tasks of a run work on a worker host.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { LocalHost } from 'flambeau/cluster'

test('several pools of a run that open at once share one folder', async () => {
  const home = mkdtempSync(join(tmpdir(), 'flambeau-work-folder-'))
  after(() => rmSync(home, { recursive: true }))
  const tree = join(home, '.flambeau/packages/ab/files/cd')
  mkdirSync(tree, { recursive: true })
  const names = Array.from({ length: 300 }, (_, index) => `${index}.csv`)
  for (const name of names) writeFileSync(join(tree, name), name)
  const files = names.map((path) => ({ path, size: path.length, hash: '', executable: false }))
  writeFileSync(join(tree, '.flambeau-tree.json'), JSON.stringify({ manifest: { files } }))
  const hosts = Array.from({ length: 4 }, (_, index) => new LocalHost(`pool${index}`, home))
  await Promise.all(hosts.map((host) => host.ask('exists', { path: '.' })))

  const work = { tree: 'ab/files/cd', folder: '' }
  const request = { cluster: 'test', run: 'run-1', work }
  const made = await Promise.all(hosts.map((host) => host.ask('makeWorkFolder', request)))
  await Promise.all(hosts.map((host) => host.close()))

  const folder = join(home, '.flambeau/clusters/test/work')
  assert.deepEqual(new Set(made.map((each) => each.folder)), new Set([join(folder, 'run-1/project')]))
  assert.deepEqual(readdirSync(folder), ['run-1'])
  assert.deepEqual(readdirSync(join(folder, 'run-1/project')).sort(), names.toSorted())
})
