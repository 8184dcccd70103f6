import { formatWithOptions } from 'node:util'
import type { Paint } from './problem-report.js'

/** The logger of a run: `console`, pino, or any object with these four methods. */
export interface Logger {
  debug(...message: any[]): void
  info(...message: any[]): void
  warn(...message: any[]): void
  error(...message: any[]): void
}

/** The methods of a logger, from the least severe to the most. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Writes messages as they are to standard error, so that standard output contains results only. */
export class StderrLogger implements Logger {
  /** Colours, on a terminal that supports them and without `NO_COLOR`. */
  readonly paint: Paint | undefined

  /** `level` is the least severe level that is printed. */
  constructor(readonly level: LogLevel = 'info') {
    this.paint = paintOn(process.stderr)
  }

  debug(...message: unknown[]): void {
    this.#log('debug', message)
  }

  info(...message: unknown[]): void {
    this.#log('info', message)
  }

  warn(...message: unknown[]): void {
    this.#log('warn', message)
  }

  error(...message: unknown[]): void {
    this.#log('error', message)
  }

  /** Prints a text that has a form of its own, such as framed problems. */
  report(text: string): void {
    console.error(text)
  }

  #log(level: LogLevel, message: readonly unknown[]): void {
    if (severity[level] >= severity[this.level]) this.write(level, message)
  }

  protected write(_level: LogLevel, message: readonly unknown[]): void {
    console.error(...message)
  }
}

/**
 * The logger of a run on the command line: each message begins with the local time and its level. The further lines of a
 * message are indented, so that tables stay aligned.
 */
export class RunLogger extends StderrLogger {
  protected override write(level: LogLevel, message: readonly unknown[]): void {
    const hasColours = this.paint !== undefined
    const [first = '', ...others] = formatWithOptions({ colors: hasColours }, ...message).split('\n')
    const time = new Date().toTimeString().slice(0, 8)
    const style = hasColours ? levelStyles[level] : unstyled
    const rows = [first, ...others.map((line) => (line === '' ? '' : indentation + line))]
    const head = `${style.time(time)} ${style.level(level.padEnd(levelWidth))}`
    console.error(`${head} ${rows.map(style.message).join('\n')}`)
  }
}

/** The most characters of a level. */
const levelWidth = 5
const indentation = ' '.repeat('12:34:56 '.length + levelWidth + 1)

/** The first line of a message of {@link RunLogger}; the group is its level. */
export const logLine = /^\d\d:\d\d:\d\d (debug|info|warn|error) +/

/** Whether a line continues a message of {@link RunLogger}. */
export function continuesMessage(line: string): boolean {
  return line.startsWith(indentation)
}

/** A logger that logs to another one, and passes each message on. It is an instance of the same class. */
export function teeLogger<Target extends Logger>(
  logger: Target,
  onMessage: (level: LogLevel, message: readonly unknown[]) => void,
): Target {
  const log = (level: LogLevel) => ({
    value: (...message: unknown[]): void => {
      onMessage(level, message)
      logger[level](...message)
    },
  })
  const report = { value: (text: string): void => (logger as unknown as StderrLogger).report(text) }
  const levels = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  return Object.create(logger, logger instanceof StderrLogger ? { ...levels, report } : levels)
}

/** Prints a text that has a form of its own, such as framed problems: without time and level. */
export function reportTo(logger: Logger, level: 'warn' | 'error', text: string): void {
  if (logger instanceof StderrLogger) logger.report(text)
  else logger[level](text)
}

/** The colours for a stream, if it is a terminal that supports them. */
export function paintOn(stream: NodeJS.WriteStream): Paint | undefined {
  return stream.hasColors?.() ? colours : undefined
}

type Style = (text: string) => string

function styled(code: string): Style {
  return (text) => `\u001b[${code}m${text}\u001b[0m`
}

const bold = '1;'
const [red, yellow, cyan, dim] = ['31', '33', '36', '2']

const colours: Paint = { message: styled(bold + red), location: styled(cyan), marker: styled(red) }

interface LineStyle {
  readonly time: Style
  readonly level: Style
  readonly message: Style
}

const asItIs: Style = (text) => text
const unstyled: LineStyle = { time: asItIs, level: asItIs, message: asItIs }
const levelStyles: Readonly<Record<LogLevel, LineStyle>> = {
  debug: { time: styled(dim), level: styled(dim), message: styled(dim) },
  info: { time: styled(dim), level: styled(cyan), message: asItIs },
  warn: { time: styled(dim), level: styled(bold + yellow), message: styled(yellow) },
  error: { time: styled(dim), level: styled(bold + red), message: styled(red) },
}
