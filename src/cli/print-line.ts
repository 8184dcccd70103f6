import { printable } from '../util/printable.js'

/** Prints a line of a command's own: names in it may come from files and hosts that nobody vouches for. */
export function printLine(line: string): void {
  console.log(printable(line))
}
