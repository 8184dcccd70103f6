import * as v from 'valibot'
import { sizePattern } from './ship/size-limit.js'

/** A name that is one part of a path on every machine. */
export const ClusterName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'must be letters, digits, "_", "." and "-", beginning with a letter or digit',
  ),
)

const size = 'must be a size such as "2 GB", or a number of megabytes'

/** What may go to each host: a text such as `2 GB`, or a number of megabytes. */
export const MaxSize = v.optional(
  v.union([v.pipe(v.number(), v.minValue(0, size)), v.pipe(v.string(), v.regex(sizePattern, size))], size),
)

/** Any number of texts; none when absent. */
export const Texts = v.optional(v.array(v.string()))
