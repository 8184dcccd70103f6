import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ResourceError } from '../../errors.js'
import { didYouMean } from '../../registry/suggest.js'
import { explainReadError } from '../../util/file-error.js'

/**
 * Reads a file as UTF-8.
 *
 * @throws {@link ResourceError} when there is no such file, it is a folder, or it is not UTF-8.
 */
export async function readText(file: string | URL): Promise<{ text: string; filename: string }> {
  const filename = file instanceof URL ? fileURLToPath(file) : file
  const bytes = await readFile(filename).catch(async (error: NodeJS.ErrnoException) => {
    throw await unreadable(filename, error)
  })
  return { text: decodeUtf8(bytes, filename), filename }
}

async function unreadable(filename: string, cause: NodeJS.ErrnoException): Promise<ResourceError> {
  if (cause.code === 'EISDIR')
    return new ResourceError(`"${filename}" is a folder: name the YAML file in it`, {
      code: 'IS_FOLDER',
      cause,
    })
  if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR')
    return new ResourceError(`"${filename}" ${explainReadError(cause)}`, { code: 'UNREADABLE', cause })
  const siblings = await readdir(dirname(filename)).catch(() => [])
  const remedy = didYouMean(basename(filename), siblings) || ': check the path and the current folder'
  return new ResourceError(`There is no file "${filename}"${remedy}`, { code: 'NO_FILE', cause })
}

/** Decodes UTF-8; the error names the line of the first wrong byte. */
export function decodeUtf8(bytes: Uint8Array, filename: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    const { line, column } = firstBadByte(bytes)
    const message = `"${filename}" is not UTF-8 at line ${line}, byte ${column}: save it as UTF-8`
    throw new ResourceError(message, { code: 'NOT_UTF8', cause })
  }
}

// The position of the first replacement character that is not in the file itself.
function firstBadByte(bytes: Uint8Array): { line: number; column: number } {
  const pieces = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).split('\ufffd')
  let good = Buffer.byteLength(pieces[0]!)
  for (const piece of pieces.slice(1)) {
    if (bytes[good] !== 0xef || bytes[good + 1] !== 0xbf || bytes[good + 2] !== 0xbd) break
    good += 3 + Buffer.byteLength(piece)
  }
  const before = Buffer.from(bytes.subarray(0, good)).toString('latin1')
  return { line: before.split('\n').length, column: good - before.lastIndexOf('\n') }
}
