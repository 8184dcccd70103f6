import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The path of the log or the folder of a task, by its id; of one that is not there, undefined. */
export function ownPath(output: string, kind: 'logs' | 'tasks', id: string): string | undefined {
  const names = namesIn(join(output, kind)).filter((name) =>
    /^-[0-9a-f]{16}(?:\.log)?$/.test(name.startsWith(id) ? name.slice(id.length) : ''),
  )
  return names.length === 1 ? join(output, kind, names[0]!) : undefined
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
