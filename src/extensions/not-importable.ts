import { fileURLToPath } from 'node:url'
import { codeOf, isError, messageOf, nameOf, propertyOf } from '../util/thrown.js'
import type { ResolvedExtension } from './resolved.js'
import { Trouble } from './trouble.js'

const cannotRunTypeScript = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
])

/** Why an extension could not be imported: what its code threw, and where in its code. */
export function notImportable(extension: ResolvedExtension, cause: unknown): Trouble {
  if (cannotRunTypeScript.has(codeOf(cause) ?? '')) return needsBuild(extension, cause)
  const reason = isError(cause) ? `${nameOf(cause)}: ${messageOf(cause)}` : messageOf(cause)
  const frame = isError(cause) ? firstFrame(String(propertyOf(cause, 'stack')), extension.folder) : undefined
  const place = frame === undefined ? '' : `\n    at ${frame}`
  return new Trouble(
    'NOT_IMPORTABLE',
    `could not be imported from "${fileURLToPath(extension.entry)}": ${reason}${place}`,
    {
      cause,
    },
  )
}

function needsBuild({ entry, name }: ResolvedExtension, cause: unknown): Trouble {
  const remedy = `build it, and name the ".js" file in its "package.json"; or let it be built as it is installed ("--allow-scripts ${name}"), or take a Node that can (22.18 and later)`
  return new Trouble(
    'NOT_BUILT',
    `is written in TypeScript ("${fileURLToPath(entry)}"), which this Node cannot run: ${remedy}`,
    { cause },
  )
}

// The innermost one in the extension itself, else in whatever it imports.
function firstFrame(stack: string, folder: string): string | undefined {
  const frames = [...stack.matchAll(/^ +at (?:.*\()?(?:file:\/\/)?(\/.*?:\d+:\d+)\)?$/gm)].map(
    ([, at]) => at!,
  )
  const isOwn = (frame: string): boolean =>
    frame.startsWith(`${folder}/`) && !frame.slice(folder.length).includes('/node_modules/')
  return frames.find(isOwn) ?? frames[0]
}
