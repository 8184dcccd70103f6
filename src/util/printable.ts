/**
 * What a terminal obeys instead of showing: control characters other than tab and line feed, separators that end a line
 * for some readers only, and marks that change the direction of the text after them.
 */
const controls =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

// GitHub Actions obeys such a line wherever it is printed: "::stop-commands::token", "##[add-mask]text".
const workflowCommand = /^([^\S\n]*):(?=:[^\n]*::)|#(?=#\[\w)/gm

/** A text of which a terminal, or the log of a CI, obeys nothing: what either would obey is shown as `\u001b`. */
export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(controls, escaped)
    .replace(workflowCommand, (found) => found.slice(0, -1) + escaped(found.slice(-1)))
}

/** The same with one replacement character for each, for a line above a marker that counts columns. */
export function printableColumns(line: string): string {
  return line.replace(controls, '\ufffd')
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
