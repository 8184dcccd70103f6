/** What it costs to compare an installed extension of about 100 MB with what was installed. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { alterationOf, listContents } from '../build/js/extensions/integrity.js'
import { median } from './rounds.js'

const packages = [
  ...['@shikijs', 'bullmq', 'elkjs', 'ioredis', 'luxon', 'playwright-core', 'prettier', 'rollup'],
  ...['typedoc', 'typescript', 'yaml-language-server', 'zod'],
]

export async function* store(quick) {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-store-'))
  try {
    for (const name of packages)
      cpSync(join('node_modules', name), join(folder, name), { recursive: true, verbatimSymlinks: true })
    yield* compare(folder, quick ? 1 : 5)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function* compare(folder, count) {
  const contents = await listContents(folder)
  const subjects = {
    sha512sum: () =>
      execFileSync('find', [folder, '-type', 'f', '-exec', 'sha512sum', '{}', '+'], { stdio: 'ignore' }),
    'size and time of each file': () => alterationOf(folder, contents, false),
    'every byte (--frozen)': () => alterationOf(folder, contents, true),
  }
  const [[peer, theirs], ...ours] = await timed(subjects, count)
  for (const [name, time] of ours)
    yield { name: `an extension of 100 MB, ${name}`, peer, ratio: time / theirs }
}

async function timed(subjects, count) {
  const times = new Map(Object.keys(subjects).map((name) => [name, []]))
  for (let round = 0; round < count; round++)
    for (const [name, run] of Object.entries(subjects)) times.get(name).push(await milliseconds(run))
  return [...times].map(([name, all]) => [name, median(all)])
}

async function milliseconds(run) {
  const start = performance.now()
  const alteration = await run()
  if (typeof alteration === 'string') throw new Error(alteration)
  return performance.now() - start
}
