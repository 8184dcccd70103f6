/** A runnable file: a text below the extensions that it shall declare, which take one line. */
export function withExtensions(text: string, extensions: Readonly<Record<string, string>>): string {
  if (Object.keys(extensions).length === 0) return text
  const head = JSON.stringify(extensions)
  const begins = /^(?:[ \t]*(?:#.*)?\r?\n)*---/.test(text)
  return begins ? `${head}\n${text}` : `${head}\n---\n${text}`
}
