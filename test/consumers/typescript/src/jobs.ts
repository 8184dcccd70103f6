import {
  alias,
  ClusterRunnable,
  factory,
  MappedRegistrable,
  namespace,
  Runnable,
  type RunOptions,
  register,
  registrable,
  type SetupOptions,
} from 'flambeau'
import { z } from 'zod'

@alias('!descent')
@registrable('!Sgd')
export class Sgd extends MappedRegistrable.with(z.strictObject({ rate: z.number().default(0.1) })) {
  @factory static slow(options: { by?: number }): Sgd {
    return new Sgd({ rate: 0.1 / (options.by ?? 10) })
  }
}

const lab = namespace('lab')
const TrainOptions = z.strictObject({ data: z.string(), optimizer: z.instanceof(Sgd) })

@lab.registrable('!Train')
export class Train extends Runnable.with(TrainOptions) {
  override run({ logger }: RunOptions): number {
    logger.info(`training on ${this.options.data}`)
    return this.options.optimizer.options.rate
  }
}

@registrable('!Job')
export class Job extends ClusterRunnable<string, { greeting?: string }> {
  constructor(readonly options: { data: string }) {
    super(options)
  }

  override async setup({ cluster }: SetupOptions): Promise<void> {
    await cluster.runCommands(['make'])
  }

  override run({ greeting = 'here' }: RunOptions & { greeting?: string }): string {
    return this.env ? `on ${this.env.orchestratorIp}` : greeting
  }
}

register(URL, '!Url', {
  fromYaml: (builder, node) => new URL(builder.constructScalar(node) as string),
  toYaml: (representer, url, tag) => representer.representScalar(tag, url.href),
})

declare module 'flambeau' {
  interface TagMap {
    '!lab.Train': Train
  }
}
