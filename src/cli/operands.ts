import { existsSync } from 'node:fs'
import type { Command } from './commander.js'

/** The operands of a command: files, and overrides such as `rate=0.1`. */
export interface Operands {
  readonly files: readonly string[]
  readonly set: readonly string[]
}

/** Tells overrides from files: a file whose name has a "=" is written as "./a=b.yaml". */
export function splitOperands(operands: readonly string[]): Operands {
  return {
    files: operands.filter((operand) => !isOverride(operand)),
    set: operands.filter(isOverride),
  }
}

// A shell replaces "~/" at the start of a word, and cmd.exe leaves quotes.
function isOverride(operand: string): boolean {
  if (/^(?:\.{0,2}|~)[\\/]/.test(operand)) return false
  return operand.startsWith('~') || operand.startsWith("'") || operand.includes('=')
}

/** The one file among operands, and the overrides. */
export function oneFile(
  operands: readonly string[],
  command: Command,
): { file: string; set: readonly string[] } {
  const { files, set } = splitOperands(operands)
  const [file, other] = files
  if (file === undefined) return command.error(noFile(set))
  if (other === undefined) {
    if (isModule(file)) command.error(isNoYaml(file))
    return { file, set }
  }
  const message = `error: "${command.name()}" takes one file, but "${other}" is a second one`
  if (isYaml(other) || existsSync(other)) return command.error(`${message}: type one command for each file`)
  return command.error(isPath(other) ? `${message}: ${asOverride(other)}` : message)
}

// Its text would only be broken YAML.
function isModule(operand: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(operand)
}

function isNoYaml(file: string): string {
  return `error: "${file}" is a module, not a YAML file: name it in "--import", and the YAML file here`
}

function isYaml(operand: string): boolean {
  return /\.ya?ml$/.test(operand)
}

function isPath(operand: string): boolean {
  return /^[\w.[\]"-]+$/.test(operand)
}

function asOverride(path: string): string {
  return `to set an option, write "${path}=VALUE"`
}

/** The files among operands; overrides need exactly one. */
export function severalFiles(operands: readonly string[], command: Command): Operands {
  const found = splitOperands(operands)
  const { files, set } = found
  if (files.length === 0) return command.error(noFile(set))
  if (set.length === 0 || files.length === 1) return found
  const path = files.find((each) => isPath(each) && !/\.(?:ya?ml|json)$/.test(each) && !existsSync(each))
  const remedy = path === undefined ? 'name one' : `name one, or ${asOverride(path)}`
  return command.error(`error: overrides change one file, but ${files.length} files are named: ${remedy}`)
}

function noFile(set: readonly string[]): string {
  const named = set.find((operand) => existsSync(operand))
  const remedy = named === undefined ? 'name the YAML file, too' : `a file whose name has "=" is "./${named}"`
  return `error: no file is named, only ${set.map((text) => `"${text}"`).join(', ')}: ${remedy}`
}
