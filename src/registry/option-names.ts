import type { KeyStyle } from './types.js'

/** The option that a YAML key names: `learningRate` for `learning_rate` in snake case. */
export function optionName(key: string, style: KeyStyle): string {
  return style === 'snake_case'
    ? key.replace(/(?<=[^_])_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    : key
}

/** The YAML key of an option: `learning_rate` for `learningRate` in snake case. */
export function keyName(option: string, style: KeyStyle): string {
  return style === 'snake_case'
    ? option.replace(/(?<=[^_])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    : option
}
