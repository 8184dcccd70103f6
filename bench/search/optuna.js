/** Real Optuna, in a process of its own: it suggests, and this process computes the losses. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('optuna-search.py', import.meta.url))

/** Debian's own Python, for which `python3-optuna` is packaged. */
export class Optuna {
  constructor(python = '/usr/bin/python3') {
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

  async close() {
    this.child.stdin.end()
    await once(this.child, 'exit')
  }
}
