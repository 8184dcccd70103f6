/** What is said of a problem that `yaml` found: in its words, where they say what to do, else in ours. */
export function syntaxMessage(code: string, message: string): string {
  return ours[code] ?? openQuote(message) ?? wrongCollection(message) ?? withoutPlace(message)
}

const ours: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'A tab cannot indent YAML: use spaces',
  MULTIPLE_ANCHORS: 'A node can have one anchor only: remove one "&name"',
  MULTIPLE_TAGS: 'A node can have one tag only: remove one "!Tag"',
  BAD_INDENT: 'Wrong indentation: the entries of one mapping or sequence begin in the same column',
  BLOCK_AS_IMPLICIT_KEY:
    'A mapping or sequence begins in the middle of a line: begin it on a line of its own',
  MULTILINE_IMPLICIT_KEY: 'A key must stand on one line, with ":" behind it',
  KEY_OVER_1024_CHARS:
    'A key has at most 1,024 characters: use "? key" on a line of its own for a longer one',
  RESOURCE_EXHAUSTION: 'This is nested too deeply to be read',
}

function withoutPlace(message: string): string {
  return message.replace(/ at line \d+, column \d+:?[\s\S]*$/, '').replace(/\.$/, '')
}

// "Missing closing "quote", with the quote that is missing.
function openQuote(message: string): string | undefined {
  const quote = /^Missing closing (["'])quote/.exec(message)?.[1]
  return quote && `This text is not closed: write ${quote} at its end`
}

// Of a tag of YAML's own: "tag:yaml.org,2002:omap used for map collection, but expects seq".
function wrongCollection(message: string): string | undefined {
  const found = /^tag:yaml\.org,2002:(\w+) used for (map|seq) collection, but expects (\w+)/.exec(message)
  return found
    ? `"!!${found[1]}" takes a ${names[found[3]!] ?? found[3]}, but here stands a ${names[found[2]!]}`
    : undefined
}

const names: Readonly<Record<string, string>> = { map: 'mapping', seq: 'sequence', scalar: 'single value' }
