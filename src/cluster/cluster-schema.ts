import * as v from 'valibot'

/** A name that is one part of a path on every machine. */
export const ClusterName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'must be letters, digits, "_", "." and "-", beginning with a letter or digit',
  ),
)

/** Any number of texts; none when absent or null. */
export const Texts = v.nullish(v.array(v.string()))
