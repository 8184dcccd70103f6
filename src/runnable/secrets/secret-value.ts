import { missingSecret, unreadableSecret } from './secrets-errors.js'
import type { SecretsTable } from './secrets-table.js'

const decimal = /^[+-]?(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:e[+-]?\d(?:_?\d)*)?$/i

// Python's `BOOLEAN_STATES`.
const booleans: ReadonlyMap<string, boolean> = new Map([
  ['1', true],
  ['yes', true],
  ['true', true],
  ['on', true],
  ['0', false],
  ['no', false],
  ['false', false],
  ['off', false],
])

/** One value of a table, by section and key. */
export class SecretValue {
  constructor(
    readonly table: SecretsTable,
    readonly section: string,
    readonly key: string,
  ) {}

  /** The complete value; `undefined` when it does not exist. */
  text(): string | undefined {
    const raw = this.table.raw(this.section, this.key)
    if (raw === undefined) return undefined
    return this.table.rules.expand(raw, {
      lookup: (key) => this.table.raw(this.section, key),
      fail: (code, reason) => this.#fail(code, reason),
    })
  }

  number(): number | undefined {
    const text = this.text()
    return text === undefined ? undefined : this.#toNumber(text)
  }

  boolean(): boolean | undefined {
    const text = this.text()
    if (text === undefined) return undefined
    const state = booleans.get(text.toLowerCase())
    if (state !== undefined) return state
    return this.#fail(
      'SECRETS_NOT_A_BOOLEAN',
      'is not a boolean: write one of 1, 0, yes, no, true, false, on, off',
    )
  }

  missing(): never {
    throw missingSecret(this.table, this.section, this.key)
  }

  #toNumber(text: string): number {
    const number = decimal.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
    if (!Number.isFinite(number))
      this.#fail('SECRETS_NOT_A_NUMBER', 'is not a number: write digits, such as 8080 or 0.5')
    if (/^[+-]?[\d_]+$/.test(text) && !Number.isSafeInteger(number))
      this.#fail('SECRETS_NUMBER_TOO_LARGE', 'has more digits than a number can hold: read it with "get"')
    return number
  }

  #fail(code: string, reason: string): never {
    throw unreadableSecret(this, code, reason)
  }
}
