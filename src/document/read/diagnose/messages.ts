export const missingComma = 'Missing comma before this entry: write "," after the previous one'

export const extraComma = 'A comma separates entries only in "[...]" and "{...}": remove the ","'

export const tabIndent = 'YAML cannot be indented with tabs: use spaces'

/** The message for an error of the `yaml` package: ours if there is one, else its own. */
export function syntaxMessage(code: string, message: string): string {
  return syntaxMessages[code] ?? openQuote(message) ?? wrongCollection(message) ?? withoutPosition(message)
}

/** Our messages, by the error codes of the `yaml` package. */
export const syntaxMessages: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: tabIndent,
  MULTIPLE_ANCHORS: 'A node can have only one anchor: remove one "&name"',
  MULTIPLE_TAGS: 'A node can have only one tag: remove one "!Tag"',
  BAD_INDENT: 'Wrong indentation: the entries of a mapping or sequence must start in the same column',
  BLOCK_AS_IMPLICIT_KEY: 'A mapping or sequence starts in the middle of a line: start it on its own line',
  MULTILINE_IMPLICIT_KEY: 'A key must be on one line and be followed by ":"',
  KEY_OVER_1024_CHARS:
    'A key can have at most 1,024 characters: write a longer one as "? key" on its own line',
  RESOURCE_EXHAUSTION: 'Collections are nested too deeply to be read: flatten them',
}

function withoutPosition(message: string): string {
  return message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '').replace(/\.$/, '')
}

// "Missing closing "quote", with the quote that is missing.
function openQuote(message: string): string | undefined {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1]
  return quote && `This string is not closed: write ${quote} at its end`
}

// "tag:yaml.org,2002:omap used for map collection, but expects seq".
function wrongCollection(message: string): string | undefined {
  const found = /^tag:yaml\.org,2002:(\w+) used for (map|seq) collection, but expects (\w+)/.exec(message)
  return found
    ? `"!!${found[1]}" takes a ${names[found[3]!] ?? found[3]}, but found a ${names[found[2]!]}`
    : undefined
}

const names: Readonly<Record<string, string>> = { map: 'mapping', seq: 'sequence', scalar: 'single value' }
