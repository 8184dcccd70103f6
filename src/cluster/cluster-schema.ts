import * as v from 'valibot'

/** A name that is one part of a path on every machine. */
const ClusterName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'must be letters, digits, "_", "." and "-", beginning with a letter or digit',
  ),
)

/** The options that every cluster has. */
export const clusterEntries = {
  name: ClusterName,
  setupCmds: v.optional(v.array(v.string())),
  secrets: v.optional(v.array(v.string())),
}
