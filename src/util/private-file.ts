import { rename, rm, writeFile } from 'node:fs/promises'

/** Writes a file that only its owner can read, in place of whatever file is there; whole or not at all. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  try {
    await writeFile(draft, content, { mode: 0o600 })
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}
