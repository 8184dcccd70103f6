import { alias, MappedRegistrable, registrable } from 'flambeau'
import { z } from 'zod'
import { add, type Matrix, scale } from './matrix.js'

/** Decides how far a model moves, given the gradients of its loss. */
export abstract class Optimizer extends MappedRegistrable {
  abstract step(gradients: Matrix): Matrix
}

const GradientDescentOptions = z.object({ rate: z.number().positive() })

/** Straight downhill. */
@alias('!sgd')
@registrable('!GradientDescent')
export class GradientDescent extends Optimizer.with(GradientDescentOptions) {
  override step(gradients: Matrix): Matrix {
    return scale(gradients, -this.options.rate)
  }
}

const MomentumOptions = GradientDescentOptions.extend({ momentum: z.number().gte(0).lt(1).default(0.9) })

/** Downhill like a ball, which keeps some of its speed. */
@registrable('!Momentum')
export class Momentum extends Optimizer.with(MomentumOptions) {
  #velocity: Matrix | undefined

  override step(gradients: Matrix): Matrix {
    const { rate, momentum } = this.options
    const push = scale(gradients, -rate)
    this.#velocity = this.#velocity ? add(scale(this.#velocity, momentum), push) : push
    return this.#velocity
  }
}
