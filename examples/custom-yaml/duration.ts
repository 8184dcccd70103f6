import { type Builder, type Node, type Representer, registrable, type Tag } from 'flambeau'

const secondsIn = { h: 3600, m: 60, s: 1 }
const units = Object.keys(secondsIn) as Unit[]
type Unit = keyof typeof secondsIn

/** A length of time that YAML writes as one word, such as `90s`, `15m` or `2h`. */
@registrable('!Duration')
export class Duration {
  constructor(readonly seconds: number) {}

  static fromYaml(builder: Builder, node: Node): Duration {
    const text = builder.constructScalar(node)
    const [, amount, unit] = /^(\d+)([hms])$/.exec(text) ?? []
    if (!unit) builder.fail(`"${text}" is no duration: write one such as "90s", "15m" or "2h"`)
    return new Duration(Number(amount) * secondsIn[unit as Unit])
  }

  static toYaml(representer: Representer, { seconds }: Duration, tag: Tag): Node {
    const unit = units.find((unit) => seconds % secondsIn[unit] === 0)!
    return representer.representScalar(tag, `${seconds / secondsIn[unit]}${unit}`)
  }
}
