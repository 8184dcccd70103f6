/** Real Optuna, in a process of its own: it suggests, and this process computes the losses. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const python = '/usr/bin/python3'
const script = fileURLToPath(new URL('optuna-search.py', import.meta.url))

/** Whether there is an Optuna to compare with. */
export function hasOptuna() {
  return spawnSync(python, ['-c', 'import optuna'], { stdio: 'ignore' }).status === 0
}

/** Debian's own Python, for which `python3-optuna` is packaged. */
export class Optuna {
  constructor() {
    this.child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
  }

  /** The losses of a search, in the order of its trials. */
  async search(task, loss) {
    this.child.stdin.write(`${JSON.stringify(task)}\n`)
    const losses = []
    while (losses.length < task.trials) {
      const { value, done } = await this.lines.next()
      if (done) throw new Error('Optuna ended')
      const found = loss(JSON.parse(value))
      losses.push(found)
      this.child.stdin.write(`${found}\n`)
    }
    return losses
  }

  /** Runs one trial for each learning curve, and ends most of them early. */
  async halve(task) {
    this.child.stdin.write(`${JSON.stringify(task)}\n`)
    return JSON.parse((await this.lines.next()).value)
  }

  async close() {
    this.child.stdin.end()
    await once(this.child, 'exit')
  }
}
