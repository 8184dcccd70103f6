// Sessions of the guides: commands behind "$", and below them what they print.

/** A script that does what a session shows, and prints the commands, too. */
export function scriptOf(text: string): string {
  const commands = [...text.matchAll(/^\$ (.*)$/gm)].map(([, command]) => command!)
  return commands.map((command) => `printf '%s\\n' ${quoted(`$ ${command}`)}\n${command}`).join('\n')
}

/** Matches what a session prints: a line `...` stands for any lines. */
export function patternOf(text: string): RegExp {
  const lines = text.trimEnd().split('\n')
  const escaped = lines.map((line) =>
    line === '...' ? '[^]*?' : line.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'),
  )
  return new RegExp(`^${escaped.join('\n')}$`)
}

const ids = /\b\d{8}-\d{6}-[0-9a-f]{7}\b/g
// Moments, and how long something took, with what fills its column.
const varying = [
  /\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b/g,
  /\b\d{4}-\d\d-\d\dT[\d:.]+Z/g,
  /\b\d+(?:\.\d+)? (?:ms|s)\b(?: +(?= {2}\S))?/g,
]

/** What was printed, with the ids and moments of the guide in place of those of today. */
export function atAnyTime(printed: string, text: string): string {
  const same = (all: string, each: RegExp) => {
    const written = (text.match(each) ?? []).values()
    return all.replace(each, (now) => written.next().value ?? now)
  }
  const [logTime] = logTimes.exec(text) ?? []
  return varying
    .reduce(same, withIds(printed, text))
    .replaceAll(new RegExp(logTimes, 'gm'), (now) => logTime ?? now)
    .trimEnd()
}

// The same id stays the same.
function withIds(printed: string, text: string): string {
  const written = [...new Set(text.match(ids))]
  const now = [...new Set(printed.match(ids))]
  return printed.replace(ids, (id) => written[now.indexOf(id)] ?? id)
}

/** The times of log lines. */
const logTimes = /^\d\d:\d\d:\d\d(?= (?:debug|info|warn|error) )/m

/** Quotes an argument for a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
