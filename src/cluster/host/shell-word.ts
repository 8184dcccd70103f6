/** One argument for a shell: the only place where text becomes part of a shell's line. */
export function shellWord(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`
}

/** A command as a user may type it: only what needs quotes has them. */
export function commandLine(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellWord(word))).join(' ')
}
