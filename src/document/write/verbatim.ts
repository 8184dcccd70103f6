import type { ScalarTag } from 'yaml'

/** A scalar that did not change: written as it stood, `0x1F`, `1e3`, `~`, or nothing at all. */
export class Verbatim {
  constructor(readonly text: string) {}
}

/** Makes the `yaml` package write a {@link Verbatim}. */
export const verbatimTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:null',
  default: true,
  identify: (value) => value instanceof Verbatim,
  resolve: (text) => text,
  stringify: ({ value }) => (value as Verbatim).text,
}
