// A password may have an "@" of its own: the last one before a slash is that of the host.

/** A source as it may be shown and kept: without a password, a token, or the query of a URL. */
export function withoutCredentials(source: string): string {
  const url = /^((?:\w+\+)?https?:\/\/)(?:[^/]*@)?([^?#]*)(?:\?[^#]*)?(.*)$/.exec(source)
  if (url) return `${url[1]}${url[2]}${url[3]}`
  return source.replace(/^([\w+]+:\/\/[^/:]*):[^/]*@/, '$1@')
}

/** What a tool said, without the credentials of the URLs in it. */
export function redacted(text: string): string {
  return text.replace(/(\w:\/\/)[^\s/'"]+@/g, '$1').replace(/(https?:\/\/[^\s?'"]+)\?[^\s'"]*/g, '$1')
}
