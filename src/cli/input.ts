import type { GivenText } from '../document/compose/read-composed.js'
import { decodeUtf8 } from '../document/read/read-text.js'
import type { Command } from './commander.js'

/** A file that a command reads; its text if it was read already, from standard input. */
export interface FileInput extends GivenText {
  /** The path, or `<stdin>`. */
  readonly path: string
}

/** The operand that stands for standard input. */
export const stdinOperand = '-'

const stdinName = '<stdin>'

/**
 * Reads the text of `-`; any other operand is a path. Paths in the text start at the current folder.
 *
 * @throws `ResourceError` when standard input is not UTF-8.
 */
export async function readInput(operand: string): Promise<FileInput> {
  if (operand !== stdinOperand) return { path: operand }
  const { buffer } = await import('node:stream/consumers')
  return { path: stdinName, text: decodeUtf8(await buffer(process.stdin), stdinName) }
}

/** Refuses a command that would read both the file and the secrets from standard input. */
export function expectOneReader(
  files: readonly string[],
  secrets: string | false | undefined,
  command: Command,
): void {
  if (secrets === stdinOperand && files.includes(stdinOperand))
    command.error('error: standard input is either the file or the secrets: name one of them by its path')
}
