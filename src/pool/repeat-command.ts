import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quoteArgument } from '../util/shell.js'

/** The command that runs a file with the modules that its tags need, as a shell takes it from the current folder. */
export function repeatCommand(file: string, imports: readonly string[]): string {
  const flags = imports.map((module) => ` --import ${word(pathOf(module))}`)
  return `flambeau run ${word(file)}${flags.join('')}`
}

function pathOf(module: string): string {
  if (!module.startsWith('file:')) return module
  const path = relative('', fileURLToPath(module))
  return path.startsWith('.') ? path : `./${path}`
}

function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoteArgument(text)
}
