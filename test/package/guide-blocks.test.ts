// Every block of code in the guides is tried in some way: docs.test.ts runs and checks them; here is that none is left
// out, that commands and messages which are only shown exist, and that "Start here" works from an empty folder.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { type Block, blocksOf, guidePages } from '../support/code-blocks.js'
import { saidBySource } from '../support/messages.js'

const blocks = guidePages().flatMap(blocksOf)
const commandLine = resolve('dist/cli/main.js')
const placeOf = ({ page, line }: Block) => `${page}:${line}`

// What docs.test.ts tries; a text below one of these is what comes of it.
const tried = new Set(['ts', 'yaml', 'ini', 'json', 'console', 'text'])
// What is looked at below. A picture is drawn when the guides are built.
const shown = new Set(['', 'sh', 'mermaid'])

describe('the blocks of the guides', () => {
  test('are all of a kind that is tried, or say why not', () => {
    const others = blocks.filter(
      ({ language, notRun }) => !notRun && !tried.has(language) && !shown.has(language),
    )
    assert.deepEqual(others.map(placeOf), [])
    const outputs = new Set(blocks.map(({ output }) => output))
    const alone = blocks.filter(({ language, text }) => language === 'text' && !outputs.has(text))
    assert.deepEqual(alone.map(placeOf), [], 'what a text comes of stands right above it')
  })

  test('are few that are not tried', () => {
    const without = blocks.filter(({ notRun }) => notRun)
    assert.ok(without.length <= 10, without.map(placeOf).join(' '))
  })

  test('name commands and options that there are', () => {
    const commands = blocks
      .filter(({ language, notRun }) => shown.has(language) && !notRun)
      .flatMap(commandsOf)
    assert.ok(commands.length > 10)
    assert.deepEqual(
      commands.filter((command) => !isKnown(command)),
      [],
    )
  })

  test('show messages that the source words so', () => {
    for (const block of blocks.filter(({ language, notRun }) => language === '' && !notRun)) {
      const [first = ''] = block.text
        .split('\n')
        .filter((line) => !/^\$ |^(?:npx )?(?:flambeau|npm) [a-z]/.test(line))
      if (first !== '') assert.ok(saidBySource(first), `${placeOf(block)} ${first}`)
    }
  })

  test('of "Start here" work from an empty folder, in order', () => {
    const home = mkdtempSync(join(tmpdir(), 'flambeau-start-'))
    after(() => rmSync(home, { recursive: true, force: true }))
    installed(join(home, 'mean'))
    let folder = home
    for (const block of blocksOf('docs/start-here.md')) {
      if (block.name) write(join(folder, block.name), block.text)
      if (block.language === 'sh') shell(block.text, folder, home)
      if (block.language === 'console') {
        const commands = [...block.text.matchAll(/^\$ (.*)$/gm)].map(([, command]) => command)
        shell(commands.join('\n'), folder, home)
      }
      if (block.text.startsWith('mkdir mean')) folder = join(home, 'mean')
    }
  })
})

/** What `npm install` brings, without a network. */
function installed(folder: string): void {
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  for (const name of ['zod', '@types/node'])
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name))
  // The newest TypeScript, which is what "npm install" brings.
  symlinkSync(resolve('node_modules/typescript7'), join(folder, 'node_modules/typescript'))
  symlinkSync(resolve('.'), join(folder, 'node_modules/flambeau'))
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const tools = `
mkdir() { command mkdir -p "$@"; }
npm() { [ "$1" = install ] || command npm "$@"; }
npx() {
  case "$1" in
    flambeau) shift; node '${commandLine}' "$@" ;;
    tsc) node node_modules/typescript/bin/tsc ;;
  esac
}
set -e
`

function shell(script: string, cwd: string, home: string): void {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  execFileSync('sh', ['-c', tools + script], { cwd, env: { ...env, HOME: home }, stdio: 'pipe' })
}

/** The commands of flambeau and npm in a block: what stands after `#` or two spaces is a comment. */
function commandsOf({ text }: Block): string[] {
  const lines = text.split(/\n|&&|·/).map((line) =>
    line
      .trim()
      .replace(/^\$ /, '')
      .replace(/ {2,}.*| #.*/, ''),
  )
  return lines.filter((line) => /^(?:npx )?(?:flambeau|npm) [a-z]/.test(line))
}

const npmKnows = /^npm (?:ci|cit|test|start|pack|init -y|pkg set \S+=\S+|install .+|run (?<script>[\w:]+))$/
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))

function isKnown(command: string): boolean {
  if (command.startsWith('npm ')) {
    const known = npmKnows.exec(command)
    return known !== null && (known.groups!['script'] ?? 'test') in scripts
  }
  const [name, ...rest] = command.replace(/^npx /, '').split(' ').slice(1)
  const help = helps.get(name!) ?? helpOf(name!)
  return help !== '' && rest.filter((word) => /^-/.test(word)).every((option) => help.includes(option))
}

const helps = new Map<string, string>()

function helpOf(name: string): string {
  const { status, stdout } = spawnSync(process.execPath, [commandLine, 'help', name], { encoding: 'utf8' })
  const help = status === 0 ? stdout : ''
  helps.set(name, help)
  return help
}
