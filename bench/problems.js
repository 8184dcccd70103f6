/**
 * What twice as many problems of a kind cost, relative to once: 2 is linear. Each kind runs in a process of its own.
 *
 *     node bench/problems.js [KIND...]     # after `npm run build`
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { check, checkFile, isFlambeauError, load, parseSecrets, Registry } from 'flambeau'
import * as v from 'valibot'
import { z } from 'zod'

const lines = (count, line) => Array.from({ length: count }, (_, at) => line(at)).join('')
const flow = (count, item) => Array.from({ length: count }, (_, at) => item(at)).join(', ')

const registry = new Registry()
const add = (tag, options) => registry.add(class {}, tag, options)
add('!Zod', { schema: z.strictObject({ aaaa: z.number().optional() }) })
add('!Valibot', { schema: v.strictObject({ aaaa: v.optional(v.number()) }) })
add('!Numbers', { schema: z.record(z.string(), z.number()) })
add('!List', { schema: z.object({ list: z.array(z.number()) }) })
add('!Deep', { schema: z.object({ inner: z.strictObject({ a: z.number().optional() }) }) })
add('!Needs', { schema: z.object({ name: z.string() }) })
add('!Snake', { keys: 'snake_case' })
add('!Old', { deprecated: 'use "!New"' })
for (let at = 0; at < 200; at++) add(`!Layer${at}Model`)

/** Each makes a text with `count` problems. */
const texts = {
  'unknown options': (count) => `!Zod { ${flow(count, (at) => `k${at}: 1`)} }`,
  'unknown options (valibot)': (count) => `!Valibot { ${flow(count, (at) => `k${at}: 1`)} }`,
  'near options': (count) => `!Zod { ${flow(count, (at) => `aaa${at}: 1`)} }`,
  'unknown options below': (count) => `!Deep { inner: { ${flow(count, (at) => `k${at}: 1`)} } }`,
  'wrong values': (count) => `!Numbers { ${flow(count, (at) => `k${at}: x`)} }`,
  'wrong items': (count) => `!List { list: [${flow(count, () => 'x')}] }`,
  'wrong nodes': (count) => lines(count, () => '- !Needs {}\n'),
  'wrong nodes on one line': (count) => `[${flow(count, () => '!Needs {}')}]`,
  'a wrong node many times by an alias': (count) => `- &a !Needs {}\n${lines(count, () => '- *a\n')}`,
  'unknown tags': (count) => lines(count, (at) => `- !Lyer${at}Modl x\n`),
  'unknown tags of a namespace': (count) => lines(count, (at) => `- !none${at}.Model x\n`),
  'one unknown tag': (count) => lines(count, () => '- !Lyer1Modl x\n'),
  'core tags': (count) => lines(count, () => '- !!int x\n'),
  'keys that are no names': (count) => `!Snake { ${flow(count, (at) => `${at}: 1`)} }`,
  'options twice': (count) => `!Snake\n${lines(count, (at) => `a_b${at}_c: 1\naB${at}C: 1\n`)}`,
  'deprecated tags': (count) => lines(count, () => '- !Old {}\n'),
  'duplicate keys': (count) => lines(count, () => 'k: 1\n'),
  'duplicate keys in pairs': (count) => lines(count, (at) => `k${at}: 1\nk${at}: 2\n`),
  'unknown aliases': (count) => lines(count, (at) => `- *a${at}\n`),
  'unknown aliases beside anchors': (count) =>
    lines(count, (at) => `- &a${at} 1\n`) + lines(count, (at) => `- *b${at}\n`),
  'wrong merges': (count) => `a: { <<: [${flow(count, () => '1')}] }`,
  'merges of one mapping': (count) => `- &a { k: 1 }\n${lines(count, () => '- { <<: *a, l: 1 }\n')}`,
  cycles: (count) => `&a [${flow(count, () => '*a')}]`,
  'keys that are collections': (count) => lines(count, (at) => `? [${at}]\n: 1\n`),
  tabs: (count) => lines(count, (at) => `k${at}:\n\t- 1\n`),
  'wrong indents': (count) => lines(count, (at) => `a${at}:\n   b: 1\n  c: 1\n`),
  'open brackets': (count) => lines(count, (at) => `- [${at}\n`),
  'closed brackets': (count) => lines(count, () => '- ]\n'),
  'open quotes': (count) => lines(count, () => '- "\n'),
  'wrong escapes': (count) => `"${'\\q'.repeat(count)}"`,
  'no space behind a comma': (count) => `["a"${'"a"'.repeat(count)}]`,
  'many anchors of one node': (count) => '&a '.repeat(count),
  'many tags of one node': (count) => '!a '.repeat(count),
  'bad directives': (count) => `${lines(count, () => '%YAML 9.9 x\n')}---\na`,
  'TAG directives': (count) => `${lines(count, (at) => `%TAG !e${at}! tag:x,2000:\n`)}---\na`,
  'unknown tag handles': (count) => lines(count, (at) => `- !e${at}!x a\n`),
  documents: (count) => lines(count, () => '---\n!Needs {}\n'),
  'documents with unknown tags': (count) => lines(count, (at) => `---\n!Lyer${at} {}\n`),
  'documents with syntax problems': (count) => lines(count, () => '--- [\n'),
  'a long unknown option': (count) => `!Zod { ${'k'.repeat(count)}: 1 }`,
  'a long unknown tag': (count) => `!${'k'.repeat(count)} x`,
  'a long unknown alias': (count) => `*${'k'.repeat(count)}`,
  'a long anchor and alias': (count) => `- &${'k'.repeat(count)} 1\n- *${'k'.repeat(count)}l`,
  'a long URL many times': (count) => `!Numbers { ${flow(count, (at) => `k${at}: "://a:b@c?token=d"`)} }`,
  'snake keys': (count) => `!Snake { ${'a_b'.repeat(count)}: 1 }`,
  underscores: (count) => `!Snake { ${'_'.repeat(count)}: 1 }`,
  'problems below a long key': (count) =>
    `!Deep { inner: { ${flow(count / 100, (at) => `${'k'.repeat(1000)}${at}: 1`)} } }`,
  'nested wrong nodes': (count) =>
    lines(count / 200, () => `- ${'[!Needs '.repeat(200)}${']'.repeat(200)}\n`),
  'deep options': (count) =>
    lines(count / 200, () => `- !Zod { a: ${'{a: '.repeat(200)}1${'}'.repeat(200)} }\n`),
  'a long last line': (count) => `!Numbers { ${flow(count, (at) => `k${at}: x`)} }`,
}

/** Each is work that is not `check` of a text. */
const jobs = {
  'load of wrong options': (count) => () => load(texts['unknown options'](count), { registry }),
  'secrets, no section': (count) => () => parseSecrets(lines(count, (at) => `key${at} = 1\n`)),
  'secrets, keys twice': (count) => () => parseSecrets(`[A]\n${lines(count, () => 'key = 1\n')}`),
  'secrets, sections twice': (count) => () => parseSecrets(lines(count, () => '[A]\nk = 1\n')),
  'secrets, no value': (count) => () => parseSecrets(`[A]\n${lines(count, (at) => `key${at}\n`)}`),
  'extensions, bad names': (count) => file(`${lines(count, (at) => `"${at}-": ./x\n`)}---\n!Zod {}\n`),
  'extensions, bad sources': (count) => file(`${lines(count, (at) => `e${at}: "a b"\n`)}---\n!Zod {}\n`),
  'extensions, no folder': (count) => file(`${lines(count, (at) => `e${at}: ./x${at}\n`)}---\n!Zod {}\n`),
  'extensions, not installed': (count) =>
    file(
      `${lines(count / 2, (at) => `e${at}: x${at}\n`)}---\n!Zod\naaaa: [${flow(count / 2, (at) => `!e${at}.A {}`)}]\n`,
    ),
}

function file(text) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-problems-'))
    try {
      const path = join(folder, 'job.yaml')
      writeFileSync(path, text)
      return await checkFile(path, { registry, onWarning: () => {} })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

const work = {
  ...Object.fromEntries(
    Object.entries(texts).map(([kind, text]) => [
      kind,
      (count) => {
        const made = text(count)
        return () => check(made, { registry, onWarning: () => {} })
      },
    ]),
  ),
  ...jobs,
}

async function milliseconds(kind, count) {
  const run = work[kind](count)
  const start = performance.now()
  try {
    await run()
  } catch (error) {
    if (!isFlambeauError(error)) throw error
  }
  return performance.now() - start
}

const self = fileURLToPath(import.meta.url)
const limit = 2.6
const smallest = 10_000
const [flag, ...rest] = process.argv.slice(2)

if (flag === '--one') {
  const [kind, count] = rest
  await milliseconds(kind, 500)
  const once = await milliseconds(kind, Number(count))
  const twice = await milliseconds(kind, 2 * Number(count))
  console.log(JSON.stringify({ once, twice }))
} else {
  const kinds = process.argv.slice(2)
  for (const kind of kinds.length > 0 ? kinds : Object.keys(work)) {
    const { stdout, stderr, error } = spawnSync(process.execPath, [self, '--one', kind, String(smallest)], {
      encoding: 'utf8',
      timeout: 30_000,
    })
    if (stdout === '') console.log(`${kind.padEnd(40)} ${error?.code ?? stderr.slice(0, 400)}`)
    else {
      const { once, twice } = JSON.parse(stdout)
      // Of a few milliseconds nothing can be said.
      const exceeded = twice > 100 && twice / once > limit ? '  EXCEEDED' : ''
      console.log(
        `${kind.padEnd(40)} ${twice.toFixed(0).padStart(6)} ms  ${(twice / once).toFixed(2)} ×${exceeded}`,
      )
    }
  }
}
