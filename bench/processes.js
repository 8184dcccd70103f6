/** What starting costs, in whole processes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { median, node, rounds, table } from './rounds.js'
import { tags, texts } from './texts.js'

const scripts = {
  'an empty process': '',
  "import 'yaml'": "import 'yaml'",
  "import 'flambeau'": "import 'flambeau'",
  'a script that imports yaml and parses the job': `
    import { readFileSync } from 'node:fs'
    import { parseDocument } from 'yaml'
    parseDocument(readFileSync(process.argv[2], 'utf8'))`,
  'flambeau runFile, to the first line of run()': `
    import { registrable, Runnable, runFile } from 'flambeau'
    for (const name of ${JSON.stringify(tags.slice(1))}) registrable('!' + name)(class { constructor(options) {} })
    registrable('!Train')(class Train extends Runnable { run() {} })
    const outcome = await runFile(process.argv[2])
    process.exitCode = outcome.exitCode`,
  'flambeau load of the job': `
    import { readFileSync } from 'node:fs'
    import { load, registrable } from 'flambeau'
    for (const name of ${JSON.stringify(tags)}) registrable('!' + name)(class { constructor(options) {} })
    load(readFileSync(process.argv[2], 'utf8'))`,
}

export function processes(count) {
  const folder = mkdtempSync(join('build', 'bench-'))
  try {
    const files = write(folder)
    const times = measure(count, files, join(folder, 'job.yaml'))
    table(
      'Importing, whole processes',
      pick(times, ["import 'yaml'", "import 'flambeau'", 'an empty process'], { "import 'flambeau'": 1.35 }),
    )
    const [empty, , , script, run, job] = Object.keys(scripts)
    table(
      'From the start of a process to a job of 30 lines, constructed',
      pick(times, [empty, job], { [job]: 1.65 }),
    )
    table('From the start of a process to run()', pick(times, [script, run], { [run]: 1.5 }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function write(folder) {
  writeFileSync(join(folder, 'job.yaml'), texts['a job of 30 lines']())
  return Object.fromEntries(
    Object.entries(scripts).map(([name, script], index) => {
      const file = join(folder, `${index}.mjs`)
      writeFileSync(file, script)
      return [name, file]
    }),
  )
}

function measure(count, files, job) {
  return rounds(count, files, (file) => {
    const start = performance.now()
    node([file, job])
    return performance.now() - start
  })
}

function pick(times, names, limits) {
  return names.map((name) => [
    name,
    { best: Math.min(...times.get(name)), median: median(times.get(name)), limit: limits[name] },
  ])
}
