import type { Paint } from './problem-report.js'

/** The logger of a run: `console`, pino, or any object with these four methods. */
export interface Logger {
  debug(...message: any[]): void
  info(...message: any[]): void
  warn(...message: any[]): void
  error(...message: any[]): void
}

/** Writes to standard error, so that standard output contains results only. */
export class StderrLogger implements Logger {
  /** Colours, on a terminal that supports them and without `NO_COLOR`. */
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

/** The colours for a stream, if it is a terminal that supports them. */
export function paintOn(stream: NodeJS.WriteStream): Paint | undefined {
  return stream.hasColors?.() ? colours : undefined
}

const colours: Paint = {
  message: (text) => `\u001b[1;31m${text}\u001b[0m`,
  location: (text) => `\u001b[36m${text}\u001b[0m`,
  marker: (text) => `\u001b[31m${text}\u001b[0m`,
}
