// Sweeps that run in the process of a test, each with a folder of its own.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Outcome, runFile } from 'flambeau'
import type { SweepResult } from 'flambeau/pool'

/** A sweep that has run. */
export interface SweepRun {
  readonly outcome: Outcome<SweepResult>
  readonly output: string
}

/** Runs sweeps inline, and keeps what the last one has logged. */
export class InlineSweeps {
  readonly folder: string
  readonly said: string[] = []
  readonly logger = { debug() {}, info: this.#logged(), warn: this.#logged(), error: this.#logged() }
  #outputs = 0

  /** `head`: what every sweep has below `!Sweep`. */
  constructor(
    name: string,
    readonly head = '',
  ) {
    this.folder = mkdtempSync(join(tmpdir(), `flambeau-${name}-`))
    after(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  /** The path of a new folder. */
  readonly fresh = (): string => join(this.folder, `output-${++this.#outputs}`)

  /** Runs a sweep; `text` is what stands below `!Sweep`, without the head and the output. */
  readonly run = async (text: string, { output = this.fresh(), ...options }: any = {}): Promise<SweepRun> => {
    this.said.length = 0
    const content = `!Sweep\n${this.head}output: ${output}\n${text}`
    const runOptions = { engine: 'inline', ...options }
    const outcome = await runFile<SweepResult>(
      { content, filename: 'sweep.yaml' },
      { logger: this.logger, ...options, runOptions },
    )
    return { outcome, output }
  }

  readonly resultOf = ({ outcome }: SweepRun): SweepResult => {
    assert.ok(outcome.ok, this.said.join('\n'))
    return outcome.value
  }

  #logged() {
    return (line: string): void => void this.said.push(line)
  }
}
