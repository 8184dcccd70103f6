// What Python's `str.strip` and `\s` take for white space: not quite what JavaScript's `trim` does.
const whiteSpace: ReadonlySet<string> = new Set(
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000' +
    '\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a',
)

/** How many characters of white space a line begins with: `len(line) - len(line.lstrip())`. */
export function indentOf(line: string): number {
  let length = 0
  while (length < line.length && whiteSpace.has(line[length]!)) length++
  return length
}

/** Python's `str.rstrip`. */
export function stripEnd(text: string): string {
  let end = text.length
  while (end > 0 && whiteSpace.has(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** Python's `str.strip`. */
export function strip(text: string): string {
  return stripEnd(text.slice(indentOf(text)))
}
