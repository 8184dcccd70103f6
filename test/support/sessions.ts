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

// Ids of runs, and moments.
const varying = [/\b\d{8}-\d{6}-[0-9a-f]{7}\b/, /\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b/]

/** What was printed, with the ids and moments of the guide in place of those of today. */
export function atAnyTime(printed: string, text: string): string {
  const same = (all: string, each: RegExp) => all.replace(each, (now) => each.exec(text)?.[0] ?? now)
  const [logTime] = logTimes.exec(text) ?? []
  return varying
    .reduce(same, printed)
    .replaceAll(new RegExp(logTimes, 'gm'), (now) => logTime ?? now)
    .trimEnd()
}

/** The times of log lines. */
const logTimes = /^\d\d:\d\d:\d\d(?= (?:debug|info|warn|error) )/m

/** Quotes an argument for a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
