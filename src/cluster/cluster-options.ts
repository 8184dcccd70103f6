import { dirname } from 'node:path'
import * as v from 'valibot'
import { provenanceOf } from '../document/construct/provenance.js'
import { sizeMessage, sizePattern } from '../util/byte-size.js'
import { notVariables, variablesMistake } from '../util/environment-variables.js'
import { absolutePath } from '../util/paths.js'

/** A name that is a single path component on every machine. */
const ClusterName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][\w.-]{0,63}$/,
    'must be letters, digits, "_", "." and "-", and begin with a letter or digit',
  ),
)

/** A text that can be an argument or a path, which cannot contain NUL. */
export const Text = v.pipe(
  v.string(),
  v.check((text) => !text.includes('\0'), 'must not contain a NUL character'),
)

/** A host name, an alias or an address, in the form that "ssh" and "known_hosts" accept. */
export const HostName = v.pipe(
  v.string(),
  v.regex(
    /^(?!-)[^\s\p{Cc}\p{Cf}]+$/u,
    'must be a name or an address, without spaces, control characters or a leading "-"',
  ),
)

/** A list of texts; absent and null mean an empty list. */
const TextList = v.nullish(v.array(Text))

const size = `must be ${sizeMessage}`

/** The most that may be sent to each host: a text such as `2 GB`, or a number of megabytes. */
const MaxSize = v.optional(
  v.union([v.pipe(v.number(), v.minValue(0, size)), v.pipe(v.string(), v.regex(sizePattern, size))], size),
)

const Workers = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1, 'must be at least 1')))

/** A record that refuses a list, which valibot takes as a record whose names are positions. */
export function mapping<Schema extends v.RecordSchema<any, any, any>>(
  record: Schema,
  message: string,
): Schema {
  const refusal = v.never(message)
  return {
    ...record,
    '~run': (dataset: v.UnknownDataset, config: v.Config<v.BaseIssue<unknown>>) =>
      Array.isArray(dataset.value) ? refusal['~run'](dataset, config) : record['~run'](dataset, config),
  }
}

/** Environment variables, each a text or a number. */
export const Variables = v.optional(
  v.pipe(
    mapping(
      v.record(v.string(), v.union([v.string(), v.number()], 'must be a text or a number'), notVariables),
      notVariables,
    ),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? variablesMistake(dataset.value) : undefined
      if (message !== undefined) addIssue({ message })
    }),
  ),
)

/** The options that every cluster has, for the schema of one kind. */
export const commonOptions = {
  name: ClusterName,
  setupCmds: TextList,
  secrets: TextList,
  maxSize: MaxSize,
  workers: Workers,
  env: Variables,
}

/** The absolute path of an option of an object: a relative path starts at the file that contains it. */
export function pathOf(object: object, path: string): string {
  const filename = provenanceOf(object)?.loaded?.context.source.filename ?? '<code>'
  return absolutePath(path, filename.startsWith('<') ? '.' : dirname(filename))
}
