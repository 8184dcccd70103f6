/** One argument for a shell: the only place where text becomes part of a shell's line. */
export function shellWord(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`
}
