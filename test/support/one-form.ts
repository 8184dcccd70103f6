import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const form = basename(dirname(dirname(fileURLToPath(import.meta.url))))

/** For `skip`: a test without decorators is the same in each form, and one that takes long runs in one of them only. */
export function onlyHere(why: string | false = false): string | false {
  return form === 'legacy' ? why : 'it is the same in each form'
}
