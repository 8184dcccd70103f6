/** The part of a patch that is about one file. */
export interface PatchPart {
  /** From the top folder of the repository. */
  readonly path: string
  readonly text: string
}

/** Splits a patch of git without renames into its files. A file that became a link, or the reverse, has two parts. */
export function patchParts(patch: string): PatchPart[] {
  // Every line of a file begins with another character. With the flag "m", "^" would also match after "\r".
  const starts = [...`\n${patch}`.matchAll(/\ndiff --git /g)].map(({ index }) => index)
  return starts.map((start, index) => {
    const text = patch.slice(start, starts[index + 1])
    return { path: pathIn(text), text }
  })
}

const headerStart = 'diff --git '.length

// Both names are the same but for "a/" and "b/"; a name with a space is not in quotes.
function pathIn(text: string): string {
  const names = text.slice(headerStart, text.indexOf('\n'))
  const first = names.slice(0, (names.length - 1) / 2)
  return (first.startsWith('"') ? unquoted(first.slice(1, -1)) : first).slice('a/'.length)
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  t: '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
}

function unquoted(name: string): string {
  return name.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
  )
}

/** The lines of a file before and after a change, as far as its part of a patch shows them. */
export function sidesOf(text: string): [before: string, after: string] {
  const start = text.indexOf('\n@@ ')
  const lines = start < 0 ? [] : text.slice(start + 1).split('\n')
  const side = (mark: string): string =>
    lines
      .filter((line) => line.startsWith(mark) || line.startsWith(' '))
      .map((line) => line.slice(1))
      .join('\n')
  return [side('-'), side('+')]
}
