/** What is said of a problem that `yaml` found: in its words, where they say what to do, else in ours. */
export function syntaxMessage(code: string, message: string): string {
  return ours[code] ?? withoutPlace(message)
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
