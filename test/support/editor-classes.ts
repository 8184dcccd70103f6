/** The classes of the tests of editors, as a module of a project. */
export const editorClasses = `
import { MappedRegistrable, Runnable, register, registrable } from 'flambeau'
import { z } from 'zod'

const rate = z.number().positive().default(0.1).describe('How far one step goes')
export class Sgd extends MappedRegistrable.with(z.strictObject({ rate, nesterov: z.boolean().optional() })) {}
registrable('!Sgd', { description: 'Gradient descent' })(Sgd)

export class Adam extends Sgd {}
registrable('!Adam', { schema: z.strictObject({ rate, beta: z.number().optional() }) })(Adam)

export class OldSgd extends Sgd {}
registrable('!OldSgd', { deprecated: 'write "!Sgd"' })(OldSgd)

export class Model {
  static fromFile() {
    return new Model()
  }
}
registrable('!Model', { factories: ['fromFile'] })(Model)

export class Train extends Runnable.with(
  z.strictObject({
    data: z.string(),
    optimizer: z.instanceof(Sgd),
    mode: z.enum(['fast', 'slow']).default('fast'),
    model: z.instanceof(Model).optional(),
    steps: z.array(z.object({ name: z.string(), optimizer: z.instanceof(Sgd).optional() })).optional(),
    learningRate: z.number().optional(),
    extra: z.any().optional(),
  }),
) {
  run() {}
}
registrable('!Train', { keys: 'snake_case' })(Train)

register(URL, '!Url', { fromYaml: (builder, node) => new URL(builder.constructScalar(node)) })
`

export const manifestOf = (imports: readonly string[]): string =>
  JSON.stringify({ name: 'editor-test', private: true, type: 'module', flambeau: { imports } }, undefined, 2)
