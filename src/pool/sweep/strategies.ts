import type { Parameter } from './parameter.js'
import { seededRandom } from './random.js'

/** The parameters of a template by their paths. */
export type Parameters = ReadonlyMap<string, Parameter>

/** One value for each parameter, by path. */
export type Values = Readonly<Record<string, unknown>>

/** How many combinations a grid has; every parameter must have an end. */
export function gridSize(parameters: Parameters): number {
  return [...parameters.values()].reduce((size, parameter) => size * parameter.values()!.length, 1)
}

/** Every combination; the last parameter changes fastest. */
export function* grid(parameters: Parameters): Generator<Values> {
  const [first, ...rest] = parameters
  if (!first) return yield {}
  const [path, parameter] = first
  for (const value of parameter.values()!)
    for (const others of grid(new Map(rest))) yield { [path]: value, ...others }
}

/** So many combinations as `seed` draws them. */
export function* draws(parameters: Parameters, { samples, seed }: { samples: number; seed: number }) {
  const random = seededRandom(seed)
  for (let drawn = 0; drawn < samples; drawn++) yield draw(parameters, random)
}

function draw(parameters: Parameters, random: () => number): Values {
  return Object.fromEntries([...parameters].map(([path, parameter]) => [path, parameter.sample(random)]))
}
