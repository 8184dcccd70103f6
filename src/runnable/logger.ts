import type { Paint } from '../problem-report.js'

/** What a run writes its progress to: `console`, pino, or any object with these four. */
export interface Logger {
  debug(...message: any[]): void
  info(...message: any[]): void
  warn(...message: any[]): void
  error(...message: any[]): void
}

/** Writes lines to standard error, which leaves standard output to results. */
export class StderrLogger implements Logger {
  /** Colours, on a terminal that has them and where `NO_COLOR` is not set. */
  readonly paint: Paint | undefined

  constructor(readonly verbose = false) {
    this.paint = paintOn(process.stderr)
  }

  debug(...message: unknown[]): void {
    if (this.verbose) console.error(...message)
  }

  info(...message: unknown[]): void {
    console.error(...message)
  }

  warn(...message: unknown[]): void {
    console.error(...message)
  }

  error(...message: unknown[]): void {
    console.error(...message)
  }
}

/** The colours of a terminal, if it is one that has them. */
export function paintOn(stream: NodeJS.WriteStream): Paint | undefined {
  return stream.hasColors?.() ? colours : undefined
}

const colours: Paint = {
  message: (text) => `\u001b[1;31m${text}\u001b[0m`,
  location: (text) => `\u001b[36m${text}\u001b[0m`,
  marker: (text) => `\u001b[31m${text}\u001b[0m`,
}
