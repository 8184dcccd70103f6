import { dirname } from 'node:path'
import * as v from 'valibot'
import { provenanceOf } from '../document/construct/provenance.js'
import { absolutePath } from '../util/paths.js'
import { sizePattern } from './bundle/size-limit.js'

/** A name that is one part of a path on every machine. */
export const ClusterNameSchema = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'must be letters, digits, "_", "." and "-", beginning with a letter or digit',
  ),
)

/** A text that can be an argument or a path: no operating system takes NUL in one. */
export const TextSchema = v.pipe(
  v.string(),
  v.check((text) => !text.includes('\0'), 'must not have a NUL character'),
)

/** Where a host is: a name, an alias or an address, as "ssh" and "known_hosts" take it. */
export const HostNameSchema = v.pipe(
  v.string(),
  v.regex(
    /^(?!-)[^\s\p{Cc}\p{Cf}]+$/u,
    'must be a name or an address, without spaces, control characters and a "-" before it',
  ),
)

/** Any number of texts; none when absent or null. */
export const TextListSchema = v.nullish(v.array(TextSchema))

const size = 'must be a size such as "2 GB", or a number of megabytes'

/** What may go to each host: a text such as `2 GB`, or a number of megabytes. */
export const MaxSizeSchema = v.optional(
  v.union([v.pipe(v.number(), v.minValue(0, size)), v.pipe(v.string(), v.regex(sizePattern, size))], size),
)

/** The absolute path of an option of an object: a relative path starts at the file that contains it. */
export function pathOf(object: object, path: string): string {
  const filename = provenanceOf(object)?.loaded?.context.source.filename ?? '<code>'
  return absolutePath(path, filename.startsWith('<') ? '.' : dirname(filename))
}
