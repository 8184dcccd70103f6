/** A mistake in the syntax of a JSON text: the engine's own message often has no position. */
export interface JsonMistake {
  readonly start: number
  readonly end: number
  readonly message: string
}

const space = /[ \t\r\n]*/y
const token =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null|[{}[\],:]/y
const comment = /\/\/[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$)|#[^\r\n]*/y
const word = /'[^'\r\n]*'?|"[^\r\n]*|[^\s{}[\],:"']+|[\s\S]/uy

/** Finds the first mistake in the syntax of a JSON text; the text must not start with a byte order mark. */
export function jsonMistake(text: string): JsonMistake | undefined {
  const open: string[] = []
  let before = ''
  let offset = 0
  for (;;) {
    offset += matchAt(space, text, offset).length
    const found = matchAt(token, text, offset)
    if (found === '' && offset < text.length) return unknownToken(text, offset)
    const message = misplaced(before, found, open.at(-1))
    if (message !== undefined) return { start: offset, end: offset + found.length, message }
    if (found === '') return undefined
    before = isKeyNext(before, open.at(-1)) && found !== '}' ? key : found
    if (isOpening(found)) open.push(found)
    if (isClosing(found)) open.pop()
    offset += found.length
  }
}

/** Stands for the name of a property, which has the same form as other texts. */
const key = 'key'

function matchAt(pattern: RegExp, text: string, offset: number): string {
  pattern.lastIndex = offset
  return pattern.exec(text)?.[0] ?? ''
}

function unknownToken(text: string, start: number): JsonMistake {
  const note = matchAt(comment, text, start)
  if (note !== '')
    return { start, end: start + note.length, message: 'JSON has no comments: remove this one' }
  const found = matchAt(word, text, start)
  const message = found.startsWith('"')
    ? 'this text has no closing quote, or a character that JSON writes with "\\"'
    : `${found.startsWith("'") ? 'JSON has no single quotes' : `"${found}" is no value of JSON`}: write texts in double quotes`
  return { start, end: start + found.length, message }
}

/** What is wrong with a token after the one before it; an empty token is the end of the text. */
function misplaced(before: string, found: string, inside: string | undefined): string | undefined {
  if (before === key) return found === ':' ? undefined : '":" is missing after the key'
  const endsValue = before !== '' && !isOpening(before) && before !== ',' && before !== ':'
  if (found === '') return inside || !endsValue ? `the text ends too early${closing(inside)}` : undefined
  if (found === ':') return '":" is not after a key'
  if (isClosing(found)) return misplacedEnd({ before, found, inside, endsValue })
  if (found === ',')
    return endsValue && inside
      ? undefined
      : endsValue
        ? 'the text should end here'
        : 'a value is missing before ","'
  if (endsValue) return inside ? '"," is missing before this' : 'the text should end before this'
  return isKeyNext(before, inside) && !found.startsWith('"') ? 'a key in double quotes is missing' : undefined
}

interface End {
  readonly before: string
  readonly found: string
  readonly inside: string | undefined
  readonly endsValue: boolean
}

function misplacedEnd({ before, found, inside, endsValue }: End): string | undefined {
  if (inside !== (found === '}' ? '{' : '[')) return `"${found}" closes nothing`
  if (before === ',') return `JSON has no "," before "${found}": remove the comma`
  return endsValue || before === inside ? undefined : `a value is missing before "${found}"`
}

function isKeyNext(before: string, inside: string | undefined): boolean {
  return inside === '{' && (before === '{' || before === ',')
}

function isOpening(found: string): boolean {
  return found === '{' || found === '['
}

function isClosing(found: string): boolean {
  return found === '}' || found === ']'
}

function closing(inside: string | undefined): string {
  if (inside === undefined) return ''
  return inside === '{' ? ': "}" is missing' : ': "]" is missing'
}
