// Each begins at a mark that no part of it repeats, so that the time grows with the length of the text alone.
const patterns: readonly RegExp[] = [
  // A password may have an "@" of its own: the last one before a slash is that of the host.
  /(https?:\/\/)([^\s/]+)(?=@)/g,
  /(\w:\/\/[^\s/:@]*:)([^\s/]+)(?=@)/g,
  /([?&]\w*(?:token|key|secret|signature|password|auth)=)([^\s&#'"]+)/gi,
]

/** `text` with `hide` of each password before the host of a URL, and of each token in the query of one. */
export function hideUrlCredentials(text: string, hide: (credentials: string) => string): string {
  if (!text.includes('://')) return text
  const replace = (_: string, before: string, credentials: string): string => before + hide(credentials)
  return patterns.reduce((rest, pattern) => rest.replace(pattern, replace), text)
}
