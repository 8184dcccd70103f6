/** What a job asks for that none of its partitions ever has. */
export interface Excess {
  readonly what: keyof Amounts
  readonly message: string
}

/** What a job asks for, or a partition has at most; infinite when it is not limited. */
interface Amounts {
  readonly nodes: number
  /** In minutes. */
  readonly time: number
  /** On each node. */
  readonly cpus: number
  /** On each node, in mebibytes. */
  readonly memory: number
}

interface Partition {
  readonly name: string
  readonly isDefault: boolean
  readonly most: Amounts
}

/** The arguments of `sinfo` whose output {@link findExcess} takes: partition, CPUs and memory of each kind of node. */
export const listNodes = ['--all', '--noheader', '--exact', '--format=%R|%c|%m']
/** The same of `scontrol`. */
export const showPartitions = ['--all', '--oneliner', 'show', 'partition']

/**
 * Compares the arguments of `sbatch` with what `scontrol` and `sinfo` say of the partitions. Slurm itself accepts such a job, unless
 * a site has set otherwise, and lets it wait for ever.
 */
export function findExcess(
  args: readonly string[],
  answers: { readonly partitions: string; readonly nodes: string },
): Excess | undefined {
  const named = lastValue(args, 'partition', 'p')?.split(',')
  const all = partitionsIn(answers)
  const possible = all.filter(({ name, isDefault }) => (named ? named.includes(name) : isDefault))
  const excesses = possible.map((partition) => excessOf(args, partition))
  return excesses.every(Boolean) ? excesses[0] : undefined
}

function excessOf(args: readonly string[], { name, most }: Partition): Excess | undefined {
  for (const [what, { long, short, amount, limit }] of Object.entries(options) as Entry[]) {
    const asked = lastValue(args, long, short)
    if (asked === undefined || !(amount(asked) > most[what])) continue
    const message = `In partition "${name}", a run can have ${limit(most[what])}, but this one asks for ${asked}`
    return { what, message }
  }
  return undefined
}

interface Option {
  readonly long: string
  readonly short?: string
  readonly amount: (text: string) => number
  readonly limit: (most: number) => string
}

type Entry = [what: keyof Amounts, option: Option]

const options: Readonly<Record<keyof Amounts, Option>> = {
  nodes: { long: 'nodes', amount: Number, limit: (most) => count(most, 'node') },
  time: { long: 'time', short: 't', amount: minutesOf, limit: (most) => count(most, 'minute') },
  cpus: {
    long: 'cpus-per-task',
    short: 'c',
    amount: Number,
    limit: (most) => `${count(most, 'CPU')} on a node`,
  },
  memory: { long: 'mem', amount: mebibytesOf, limit: (most) => `${most}M of memory on a node` },
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

/** The value of an option of `sbatch`; the last one counts. */
function lastValue(args: readonly string[], long: string, short?: string): string | undefined {
  const starts = [`--${long}=`, ...(short === undefined ? [] : [`-${short}`])]
  return args
    .flatMap((arg) => starts.flatMap((start) => (arg.startsWith(start) ? arg.slice(start.length) : [])))
    .at(-1)
}

function partitionsIn(answers: { readonly partitions: string; readonly nodes: string }): Partition[] {
  const nodes = answers.nodes.split('\n').map((line) => line.split('|'))
  return answers.partitions.split('\n').flatMap((line) => {
    const fields = Object.fromEntries(line.split(' ').map((field) => field.split('=')))
    const name: string | undefined = fields['PartitionName']
    if (name === undefined) return []
    const own = nodes.filter(([partition]) => partition === name)
    const most = {
      nodes: least(fields['MaxNodes'], fields['TotalNodes']),
      time: minutesOf(fields['MaxTime']),
      cpus: least(fields['MaxCPUsPerNode'], mostOf(own.map(([, cpus]) => cpus))),
      memory: least(fields['MaxMemPerNode'], mostOf(own.map(([, , memory]) => memory))),
    }
    return { name, isDefault: fields['Default'] === 'YES', most }
  })
}

// "UNLIMITED" and what a version of Slurm does not say are no limit, and so is 0, of a partition whose nodes are in the cloud.
function least(...limits: readonly (string | number | undefined)[]): number {
  return Math.min(...limits.map((limit) => Number(limit) || Number.POSITIVE_INFINITY))
}

// "8000+" when there are several sizes nevertheless.
function mostOf(texts: readonly (string | undefined)[]): number | undefined {
  const numbers = texts.map((text) => Number.parseInt(text ?? '', 10))
  return numbers.length === 0 || texts.some((text) => text?.endsWith('+')) ? undefined : Math.max(...numbers)
}

/**
 * Minutes of `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours` or `days-hours:minutes:seconds`; `NaN` for what is no
 * time. For Slurm, 0 means no limit.
 */
function minutesOf(text = ''): number {
  if (/^(?:unlimited|infinite)$/i.test(text)) return Number.POSITIVE_INFINITY
  const [, days, rest] = /^(?:(\d+)-)?(\d+(?::\d+){0,2})$/.exec(text) ?? []
  if (rest === undefined) return Number.NaN
  const numbers = rest.split(':').map(Number)
  const hasHours = days !== undefined || numbers.length === 3
  const minutes = Number(days ?? 0) * 1440 + minutesIn(hasHours ? numbers : [0, ...numbers])
  return minutes || Number.POSITIVE_INFINITY
}

function minutesIn([hours = 0, minutes = 0, seconds = 0]: readonly number[]): number {
  return hours * 60 + minutes + seconds / 60
}

const units: Readonly<Record<string, number>> = { K: 2 ** -10, M: 1, G: 2 ** 10, T: 2 ** 20 }

function mebibytesOf(text: string): number {
  const [, number, unit = ''] = /^(\d+)([KMGT]?)B?$/i.exec(text) ?? []
  return Number(number) * units[unit.toUpperCase() || 'M']!
}
