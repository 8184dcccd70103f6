import { useEffect, useState } from 'preact/hooks'
import type { PageData, RunDetail, RunList, RunText, TextPart } from '../data.js'
import type { SweepModel } from './model.js'
import { CurveReader, parseLines, TrialReader } from './parse.js'

/** A run with its long files. */
export interface LoadedRun {
  readonly detail: RunDetail
  readonly sweep: SweepModel
  readonly log: string
  readonly trialLog: string
  /** Whether the beginning of a log is left out. */
  readonly isLogCut: boolean
}

/** What a page shows: nothing yet, an error, or a value. */
export interface Loading<T> {
  readonly value?: T
  readonly error?: string
}

/** How often a live page asks for what is new, in milliseconds. */
const pauseMs = 1000
/** How much of a log is shown, in characters: its end. */
const mostLog = 2_000_000

/** The data that stands in the page. */
export const embedded = JSON.parse(document.getElementById('data')!.textContent!) as PageData

const token = new URLSearchParams(location.search).get('token') ?? ''

async function ask<T>(path: string): Promise<T> {
  const response = await fetch(`api/${path}`, { headers: { Authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(response.status === 404 ? 'There is no such run' : await response.text())
  return (await response.json()) as T
}

/** Calls `work` until it says that nothing more will come, or the component is gone. */
function usePolling(work: () => Promise<boolean>, key: string, onError: (message: string) => void): void {
  useEffect(() => {
    let isGone = false
    const run = async (): Promise<void> => {
      while (!isGone) {
        const isOver = await work().catch((error: Error) => {
          onError(error instanceof TypeError ? 'flambeau view has ended: start it again' : error.message)
          return false
        })
        if (isOver) return
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
    void run()
    return () => {
      isGone = true
    }
  }, [key])
}

/** The list of runs, live. */
export function useRuns(): Loading<RunList> {
  const [state, setState] = useState<Loading<RunList>>({})
  const poll = async (): Promise<boolean> => {
    const list = await ask<RunList>('runs')
    setState((before) =>
      JSON.stringify(before.value) === JSON.stringify(list) && !before.error ? before : { value: list },
    )
    return false
  }
  usePolling(poll, 'runs', (error) => setState((before) => ({ ...before, error })))
  return state
}

/** One run, live. */
export function useRun(id: string): Loading<LoadedRun> {
  const [state, setState] = useState<Loading<LoadedRun>>({})
  const [reader] = useState(() => new RunReader())
  const poll = async (): Promise<boolean> => {
    const detail = await ask<RunDetail>(`runs/${encodeURIComponent(id)}`)
    // The folder of a sweep does not say that it has ended, and a cluster may hear of a lost run again.
    const isOver = detail.endedAt !== undefined
    let isChanged = reader.setDetail(detail)
    for (const name of RunReader.texts)
      for (;;) {
        const part = await ask<TextPart>(`runs/${encodeURIComponent(id)}/${name}?from=${reader.offset(name)}`)
        if (!reader.add(name, part)) break
        isChanged = true
      }
    setState((before) => (isChanged || before.error ? { value: reader.run() } : before))
    return isOver
  }
  usePolling(poll, id, (error) => setState((before) => ({ ...before, error })))
  return state
}

/** The run of a report. */
export function readReport(data: PageData & { live: false }): LoadedRun {
  const reader = new RunReader()
  reader.setDetail(data.detail)
  for (const name of RunReader.texts) reader.add(name, { text: data.files[name] ?? '', next: 1 })
  return reader.run()
}

/** Reads the files of a run, part by part. */
class RunReader {
  static readonly texts: readonly RunText[] = ['trials', 'metrics', 'log', 'trial-log']
  #detail: RunDetail | undefined
  #trials: TrialReader | undefined
  readonly #curves = new CurveReader()
  readonly #offsets = new Map<RunText, number>()
  readonly #logs = { log: '', 'trial-log': '' }
  #isCut = false
  /** The beginnings of lines whose ends are in the next part. */
  readonly #rests = { trials: '', metrics: '' }

  setDetail(detail: RunDetail): boolean {
    const isChanged = JSON.stringify(detail) !== JSON.stringify(this.#detail)
    this.#detail = detail
    this.#trials ??= new TrialReader(detail.sweep?.metrics[0]?.name)
    return isChanged
  }

  offset(name: RunText): number {
    return this.#offsets.get(name) ?? 0
  }

  /** Adds a part; returns whether it had anything. */
  add(name: RunText, { text, next }: TextPart): boolean {
    if (text === '') return false
    this.#offsets.set(name, next)
    if (name === 'trials') this.#trials!.add(parseLines(this.#wholeLines(name, text)))
    else if (name === 'metrics') this.#curves.add(parseLines(this.#wholeLines(name, text)))
    else this.#addLog(name, text)
    return true
  }

  // Only the end of a long log is shown, which says so.
  #addLog(name: 'log' | 'trial-log', text: string): void {
    const all = this.#logs[name] + text
    if (all.length > mostLog) this.#isCut = true
    this.#logs[name] = all.slice(-mostLog)
  }

  #wholeLines(name: 'trials' | 'metrics', text: string): string {
    const all = this.#rests[name] + text
    const end = all.lastIndexOf('\n') + 1
    this.#rests[name] = all.slice(end)
    return all.slice(0, end)
  }

  run(): LoadedRun {
    const detail = this.#detail!
    const sweep = {
      objectives: detail.sweep?.metrics ?? [],
      total: detail.sweep?.trials ?? 0,
      trials: this.#trials!.trials(),
      curves: new Map([...this.#curves.curves].map(([id, points]) => [id, [...points]])),
    }
    return { detail, sweep, log: this.#logs.log, trialLog: this.#logs['trial-log'], isLogCut: this.#isCut }
  }
}
