// What YAML texts are made of, and what breaks them.
const pieces = [
  ...[
    '\n',
    '\n\n',
    ' ',
    '  ',
    '    ',
    ' \n',
    '\t',
    '\r\n',
    ':',
    ': ',
    'a: ',
    'b: c',
    '- ',
    '- \n',
    '-',
    '#',
    ' #',
  ],
  ...[
    '&a ',
    '*a',
    '&',
    '*',
    '!',
    '!T ',
    '!T\n',
    '!!str ',
    '<<: *a',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '\\',
    '=',
    '~',
  ],
  ...[
    '|',
    '>',
    '|\n',
    '>\n',
    '|-\n',
    '---',
    '---\n',
    '...',
    '?',
    '? ',
    '%',
    '@',
    '`',
    '.',
    '0',
    '1e3',
    'null',
    'é',
  ],
]

/** A text with up to three pieces put in, taken out or repeated elsewhere. */
export function mutate(text: string, random: () => number): string {
  const below = (limit: number) => Math.floor(random() * limit)
  let mutated = excerpt(text, below)
  for (let times = 1 + below(3); times > 0; times--) {
    const at = below(mutated.length + 1)
    const from = below(mutated.length + 1)
    const kind = random()
    const put =
      kind < 0.4 ? pieces[below(pieces.length)] : kind < 0.7 ? '' : mutated.slice(from, from + below(12))
    mutated = mutated.slice(0, at) + put + mutated.slice(kind >= 0.4 && kind < 0.7 ? at + 1 + below(3) : at)
  }
  return mutated
}

// Of a long text some lines, or most mutations would meet only its beginning.
function excerpt(text: string, below: (limit: number) => number): string {
  if (text.length < 400) return text
  const lines = text.split('\n')
  const first = below(lines.length)
  return lines.slice(first, first + 2 + below(8)).join('\n')
}
