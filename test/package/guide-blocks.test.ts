// Every block of code in the guides is tried in some way: docs.test.ts runs and checks them; here is that none is left
// out, and that commands and messages which are only shown exist.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, test } from 'node:test'
import { type Block, blocksOf, guidePages } from '../support/code-blocks.js'
import { saidBySource } from '../support/messages.js'

const blocks = guidePages().flatMap(blocksOf)
const commandLine = resolve('dist/cli/main.js')
const placeOf = ({ page, line }: Block) => `${page}:${line}`

// What docs.test.ts tries; a text below one of these is what comes of it.
const tried = new Set(['ts', 'yaml', 'ini', 'json', 'console', 'text'])
// What language-server/neovim.test.ts runs, or reads.
const ofEditors = new Set(['lua', 'toml'])
// What is looked at below. A picture is drawn when the guides are built.
const shown = new Set(['', 'sh', 'mermaid'])

describe('the blocks of the guides', () => {
  test('are all of a kind that is tried, or say why not', () => {
    const others = blocks.filter(
      ({ language, notRun }) =>
        !notRun && ![tried, shown, ofEditors].some((languages) => languages.has(language)),
    )
    assert.deepEqual(others.map(placeOf), [])
    const outputs = new Set(blocks.map(({ output }) => output))
    const alone = blocks.filter(({ language, text }) => language === 'text' && !outputs.has(text))
    assert.deepEqual(alone.map(placeOf), [], 'what a text comes of stands right above it')
  })

  test('are few that are not tried', () => {
    const without = blocks.filter(({ notRun }) => notRun)
    assert.ok(without.length <= 11, without.map(placeOf).join(' '))
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
})

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

const npmKnows = /^npm (?:ci|cit|test|start|pack|init -y|pkg set .+|install(?: .+)?|run (?<script>[\w:]+))$/
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
