import { SecretValue } from './secret-value.js'
import type { SecretsTable } from './secrets-table.js'

const mask = '[secret]'

// Shorter values, and these words, are part of too many texts that give nothing away.
const shortest = 4
const common: ReadonlySet<string> = new Set(['true', 'false', 'null', 'none'])

/** A function that masks the values of a table in a text: whole, line by line, and as in JSON. */
export function redactor(table: SecretsTable): (text: string) => string {
  const values = table
    .names()
    .flatMap((section) => table.keys(section).flatMap((key) => forms(table, section, key)))
  const longestFirst = [...new Set(values)].filter(isTelling).sort((a, b) => b.length - a.length)
  return (text) => longestFirst.reduce((rest, value) => rest.replaceAll(value, mask), text)
}

function forms(table: SecretsTable, section: string, key: string): string[] {
  const value = complete(table, section, key)
  const parts = [value, ...value.split('\n')]
  return parts.flatMap((part) => [part, JSON.stringify(part).slice(1, -1)])
}

function complete(table: SecretsTable, section: string, key: string): string {
  try {
    return new SecretValue(table, section, key).text()!
  } catch {
    return table.raw(section, key)! // Nobody can read it as it stands, but it may well be a secret.
  }
}

function isTelling(value: string): boolean {
  return value.length >= shortest && !common.has(value.toLowerCase())
}
