/** Quotes one argument for a POSIX shell: the only place where text becomes part of a command line. */
export function quoteArgument(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`
}

/** A command line that a user can paste: only arguments that need quotes have them. */
export function commandLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoteArgument(word))).join(' ')
}
