import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ResourceError } from '../../errors.js'
import { didYouMean } from '../../registry/suggest.js'

/**
 * The text of a file.
 *
 * @throws {@link ResourceError} when there is no such file, it is a folder, or it is not UTF-8.
 */
export async function readText(file: string | URL): Promise<{ text: string; filename: string }> {
  const filename = file instanceof URL ? fileURLToPath(file) : file
  const bytes = await readFile(filename).catch(async (error: NodeJS.ErrnoException) => {
    throw await unreadable(filename, error)
  })
  return { text: decode(bytes, filename), filename }
}

async function unreadable(filename: string, cause: NodeJS.ErrnoException): Promise<ResourceError> {
  if (cause.code === 'EISDIR')
    return new ResourceError(`"${filename}" is a folder: name the YAML file in it`, {
      code: 'IS_FOLDER',
      cause,
    })
  if (cause.code !== 'ENOENT')
    return new ResourceError(`"${filename}" cannot be read (${cause.code ?? cause.message})`, {
      code: 'UNREADABLE',
      cause,
    })
  const siblings = await readdir(dirname(filename)).catch(() => [])
  const remedy = didYouMean(basename(filename), siblings) || ': check the path and the current folder'
  return new ResourceError(`There is no file "${filename}"${remedy}`, { code: 'NO_FILE', cause })
}

function decode(bytes: Uint8Array, filename: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    const { line, column } = firstBadByte(bytes)
    const message = `"${filename}" is not UTF-8 at line ${line}, byte ${column}: save it as UTF-8`
    throw new ResourceError(message, { code: 'NOT_UTF8', cause })
  }
}

// The replacement character stands where the first bad byte is, unless the file itself has one before it.
function firstBadByte(bytes: Uint8Array): { line: number; column: number } {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const good = Buffer.byteLength(text.slice(0, Math.max(0, text.indexOf('\ufffd'))))
  const before = Buffer.from(bytes.subarray(0, good))
  return { line: before.toString('latin1').split('\n').length, column: good - before.lastIndexOf(10) }
}
