import type { Wire } from '../wire/wire.js'

/** Tells, whenever it is looked at, whether the other side has had enough of an answer, or is gone. */
export function patienceOf(wire: Wire): { over: boolean } {
  const patience = { over: false }
  const end = (): void => {
    patience.over = true
  }
  wire.peek().then(end, end)
  return patience
}
