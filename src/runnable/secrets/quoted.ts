const longest = 80

/** A name as a message shows it: in quotes, on one line, with nothing that a terminal would obey. */
export function quoted(name: string): string {
  const short = name.length > longest ? `${name.slice(0, longest - 1)}…` : name
  return `"${[...short].map(printable).join('')}"`
}

function printable(character: string): string {
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character) ? '\ufffd' : character
}
