// The package as its users meet it: packed, installed, and used with the tools that they have. The projects are in
// test/consumers; each prints "works" when it does.
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Consumers, nodes } from '../support/consumers.js'

const works = 'works\n'
const bundler = '--noEmit --skipLibCheck --module preserve --moduleResolution bundler'
let consumers: Consumers

describe('consumers', { concurrency: cpus().length }, () => {
  before(async () => {
    consumers = await Consumers.install()
    await copyOf('typescript', { to: 'standard', legacy: false })
    await copyOf('typescript', { to: 'legacy', legacy: true })
    for (const legacy of [true, false])
      await copyOf('runtimes', { to: `runtimes-${legacy ? 'legacy' : 'standard'}`, legacy })
    await copyOf('testing', { to: 'testing-standard', legacy: false })
  })
  after(() => consumers?.remove())

  test('the tarball is as publint wants it', async () => {
    const printed = await consumers.tool('publint/src/cli.js', ['--strict', consumers.tarball])
    assert.match(printed, /All good!/)
  })

  test('its types are as attw wants them', async () => {
    // Node requires ES modules since 20.19; resolution without "exports", as before Node 12, is not promised.
    const options = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--format', 'ascii']
    const printed = await consumers.tool('@arethetypeswrong/cli/dist/index.js', [
      consumers.tarball,
      ...options,
    ])
    assert.match(printed, /"flambeau\/testing"/)
  })

  for (const version of Object.keys(nodes) as (keyof typeof nodes)[]) {
    const on = (file: string) => consumers.node([file], 'javascript', consumers.release(version))
    test(`Node ${version} imports it`, async () => assert.equal(await on('main.mjs'), works))
    test(`Node ${version} requires it`, async () => assert.equal(await on('main.cjs'), works))
  }

  test('Node 24 strips the types of a module with plain calls', async () => {
    const node = consumers.release('24')
    assert.equal(await consumers.node(['src/plain.ts'], 'standard', node), works)
  })

  for (const compiler of ['typescript59', 'typescript', 'typescript7'])
    describe(`${compiler}`, { concurrency: cpus().length }, () => {
      const out = `out/${compiler}`
      const tsc = (options: string, project: string) =>
        consumers.tool(`${compiler}/bin/tsc`, ['-p', '.', ...options.split(' ')], project)

      test('nodenext, standard decorators', async () => {
        await tsc(`--outDir ../${out}/standard`, 'standard')
        assert.equal(await consumers.node([`${out}/standard/main.js`]), works)
      })

      test('legacy decorators', async () => {
        await tsc(`--skipLibCheck --emitDecoratorMetadata --outDir ../${out}/legacy`, 'legacy')
        assert.equal(await consumers.node([`${out}/legacy/main.js`]), works)
      })

      // An older release finds modules in the same way.
      if (compiler !== 'typescript59') {
        test('node16', async () => {
          await tsc('--noEmit --skipLibCheck --module node16', 'standard')
        })

        test('bundler', async () => {
          await tsc(bundler, 'standard')
        })
      }

      test('CommonJS', async () => {
        await tsc(`--outDir ../${out}/commonjs`, 'commonjs')
        assert.equal(await consumers.node([`${out}/commonjs/main.cjs`]), works)
      })
    })

  for (const decorators of ['standard', 'legacy']) {
    test(`tsx, ${decorators} decorators`, async () => {
      assert.equal(await consumers.tool('tsx/dist/cli.mjs', ['src/main.ts'], decorators), works)
    })

    for (const format of ['esm', 'cjs'])
      test(`esbuild, ${decorators} decorators, ${format}`, async () => {
        const file = `out/${decorators}-${format}/bundle.${format === 'esm' ? 'mjs' : 'cjs'}`
        const options = [`--format=${format}`, `--outfile=../${file}`, ...(format === 'esm' ? [banner] : [])]
        await consumers.tool('esbuild/bin/esbuild', ['src/bundle.ts', ...esbuild, ...options], decorators)
        assert.equal(await runAlone(file), works)
      })
  }

  for (const runtime of ['bun', 'deno'] as const)
    describe(runtime, { concurrency: cpus().length }, () => {
      const runs = (args: readonly string[], project = 'runtimes-legacy') =>
        consumers.runtime(runtime, args, project)
      const command = '../node_modules/flambeau/dist/cli/main.js'

      for (const decorators of ['legacy', 'standard'])
        test(`runs files and pools, ${decorators} decorators`, async () => {
          const printed = await runs(['main.ts'], `runtimes-${decorators}`)
          assert.match(printed, new RegExp(`^works with ${decorators} decorators$`, 'm'))
        })

      test('is not kept alive by a pool that nobody closes', async () => {
        assert.equal(await runs(['unclosed.ts']), works)
      })

      test('runs sweeps with extensions and secrets', async () => {
        // Not in the project, which is sent to a cluster at the same time.
        const output = `../sweep-${runtime}`
        const flags = ['--import', './tasks.ts', '-s', 'secrets.ini', `output=${output}`]
        const printed = await runs([command, 'run', 'sweep.yaml', ...flags])
        assert.equal(JSON.parse(printed).best.metric, 19)
      })

      test('sends runs to clusters, whose hosts have Node', async () => {
        // Each in a project of its own, which has its own hosts.
        const project = runtime === 'bun' ? 'runtimes-legacy' : 'runtimes-standard'
        const flags = ['-c', 'cluster.yaml', '--import', './where.js']
        assert.equal(await runs([command, 'run', 'where.yaml', ...flags], project), 'node\n')
      })
    })

  test('Vite, legacy decorators and plain calls', async () => {
    await consumers.tool('vite/bin/vite.js', ['build'], 'legacy')
    assert.equal(await runAlone('out/vite/bundle.js'), works)
    assert.equal(await runAlone('out/vite/plain.js'), works)
  })

  test('webpack', async () => {
    await consumers.tool('typescript/bin/tsc', ['-p', '.', '--skipLibCheck'], 'standard')
    await consumers.tool('webpack-cli/bin/cli.js', ['build'], 'standard')
    assert.equal(await runAlone('out/webpack/bundle.cjs'), works)
  })

  describe('the code of docs/testing.md', () => {
    test('is that of the project', async () => {
      const blocks = [
        ...(await readFile('docs/testing.md', 'utf8')).matchAll(/^```\w+\n(\/\/ (\S+)\n.*?)^```$/gms),
      ]
      const held = blocks.filter(([, , path]) => /greet|config/.test(path!))
      assert.equal(held.length, 6)
      for (const [, text, path] of held)
        assert.equal(await readFile(join('test/consumers/testing', path!), 'utf8'), text, path)
    })

    test('node:test', async () => {
      await consumers.tool('typescript/bin/tsc', ['-p', '.'], 'testing')
      assert.match(await consumers.node(['--test', 'dist/greet.test.js'], 'testing'), /^# pass 2$/m)
    })

    test('Vitest', async () => {
      assert.match(await consumers.tool('vitest/vitest.mjs', ['run'], 'testing'), /Tests {2}2 passed/)
    })

    for (const project of ['testing', 'testing-standard'])
      test(`Jest, ${project}`, async () => {
        const jest = join(consumers.tools, 'node_modules/jest/bin/jest.js')
        const printed = await consumers.node(['--experimental-vm-modules', jest, '--json'], project)
        assert.equal(JSON.parse(printed).numPassedTests, 2)
      })
  })
})

/** A copy of a project, with the decorators that it shall have. */
async function copyOf(project: string, { to, legacy }: { to: string; legacy: boolean }): Promise<void> {
  const copy = join(consumers.folder, to)
  await cp(join(consumers.folder, project), copy, { recursive: true })
  const file = join(copy, 'tsconfig.json')
  const { compilerOptions, ...rest } = JSON.parse(await readFile(file, 'utf8'))
  const options = { ...compilerOptions, experimentalDecorators: legacy }
  await writeFile(file, JSON.stringify({ ...rest, compilerOptions: options }))
}

const esbuild = ['--bundle', '--platform=node', '--target=node20', '--log-level=error']
// The package "yaml" is CommonJS, and requires what Node brings.
const banner =
  '--banner:js=import { createRequire as r } from "node:module"; const require = r(import.meta.url);'

/** Runs a bundle where nothing is installed. */
async function runAlone(file: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flambeau-bundle-'))
  try {
    await cp(dirname(join(consumers.folder, file)), folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    return await consumers.node([join(folder, basename(file))])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
