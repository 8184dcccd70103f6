import { ClusterRunnable, type RunOptions, registrable, type SetupOptions } from 'flambeau'
import { connectToFactories } from 'flambeau/cluster'

interface CensusOptions {
  /** What each factory is asked to run. */
  command: string[]
}

/** Asks every factory of a cluster the same. */
@registrable('!Census')
export class Census extends ClusterRunnable<Record<string, string>> {
  constructor(readonly options: CensusOptions) {
    super(options)
  }

  override async setup({ cluster }: SetupOptions): Promise<void> {
    const { cpus } = await cluster.getMaxResources()
    this.setSerializableAttr('cpus', cpus)
  }

  override async run({ logger }: RunOptions): Promise<Record<string, string>> {
    if (!this.env) throw new Error('there is nobody to ask: run this on a cluster')
    const factories = await connectToFactories(this.env)
    logger.info(`asking ${factories.length} factories`)
    const answers = await Promise.all(
      factories.map(async (host) => {
        const { stdout } = await host.exec(this.options.command)
        return [host.name, stdout.toString().trim()] as const
      }),
    )
    return Object.fromEntries(answers)
  }
}
