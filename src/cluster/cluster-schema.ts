import * as v from 'valibot'

/** A name that is one part of a path on every machine. */
export const ClusterName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'must be letters, digits, "_", "." and "-", beginning with a letter or digit',
  ),
)

/** A text that can be an argument or a path: no operating system takes NUL in one. */
export const Text = v.pipe(
  v.string(),
  v.check((text) => !text.includes('\0'), 'must not have a NUL character'),
)

/** Where a host is: a name, an alias or an address, as "ssh" and "known_hosts" take it. */
export const HostName = v.pipe(
  v.string(),
  v.regex(
    /^(?!-)[^\s\p{Cc}\p{Cf}]+$/u,
    'must be a name or an address, without spaces, control characters and a "-" before it',
  ),
)

/** Any number of texts; none when absent or null. */
export const Texts = v.nullish(v.array(Text))
