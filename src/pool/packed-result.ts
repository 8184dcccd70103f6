import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UnsuccessfulRunnableError } from '../errors.js'
import { writeAtomically } from '../util/atomic-write.js'
import { fromJson, toJson } from '../util/json.js'
import { messageOf } from '../util/thrown.js'
import type { PackedResult } from './engine.js'
import { fileNameOf } from './file-name.js'
import { ResultFile } from './result-file.js'

/** More than this, in bytes of JSON, stays in a file where it was made. */
const most = 64 * 1024

/**
 * Packs what a task returned: small ones as JSON, large ones into a file of `folder`.
 *
 * @throws {@link UnsuccessfulRunnableError} when it is nothing that JSON can hold.
 */
export async function packResult(value: unknown, id: string, folder: string): Promise<PackedResult> {
  const json = jsonOf(value, id)
  if (json === undefined) return {}
  const bytes = Buffer.byteLength(json)
  if (bytes <= most) return { json }
  // Another map or pool in this folder may have a task with the same id.
  const name = `${fileNameOf(id)}.${createHash('sha256').update(json).digest('hex').slice(0, 12)}.json`
  const file = resolve(join(folder, 'results', name))
  await mkdir(join(folder, 'results'), { recursive: true })
  await writeAtomically(file, json)
  return { file, bytes }
}

/** What a task returned, or the file that holds it. */
export function unpackResult(packed: PackedResult): unknown {
  if ('file' in packed) return new ResultFile(packed.file, packed.bytes)
  return packed.json === undefined ? undefined : fromJson(packed.json)
}

function jsonOf(value: unknown, id: string): string | undefined {
  try {
    return toJson(value)
  } catch (cause) {
    const reason = messageOf(cause).split('\n', 1)[0]
    const message = `The result of task "${id}" cannot be sent as JSON (${reason}): return plain data`
    throw new UnsuccessfulRunnableError(message, { code: 'RESULT_NOT_JSON', cause })
  }
}
