import type * as Api from '@opentelemetry/api'
import { isSecretName } from '../util/private-names.js'
import { version } from '../version.js'

/** The context of a trace as text, for another process: the headers of W3C Trace Context. */
export type TraceCarrier = Readonly<Record<string, string>>

/** A span that is open. */
export interface TraceSpan {
  set(attributes: Readonly<Record<string, string | number | boolean | undefined>>): void
  /**
   * Records an error. Secrets must be masked in it, or by `mask`; the values of variables whose names look like those of secrets are
   * masked here.
   */
  fail(
    error: { readonly name: string; readonly message: string; readonly stack?: string | undefined },
    mask?: (text: string) => string,
  ): void
}

/** A span to open. */
export interface SpanOptions {
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>
  /** The context of another process; the active one when absent. */
  readonly parent?: TraceCarrier | undefined
}

const noSpan: TraceSpan = { set: () => {}, fail: () => {} }
// Bundlers must not look for it: most programs do not have it.
const packageName = ['@opentelemetry', 'api'].join('/')
/** Where `@opentelemetry/api` keeps what an SDK has registered. */
const registered = Symbol.for('opentelemetry.js.api.1')

/**
 * The API of OpenTelemetry, once an SDK has registered itself; spans go nowhere before. Without one, the package is not even looked
 * for.
 */
async function api(): Promise<typeof Api | undefined> {
  if (!isTraced()) return undefined
  return (import(packageName) as Promise<typeof Api>).catch(() => undefined)
}

/** Whether the program has an SDK of OpenTelemetry: without one, callers with many short tasks need not wait for what it would do. */
export function isTraced(): boolean {
  return registered in globalThis
}

/** Calls `body` within a span, if the program traces; spans that it opens are children of this one. */
export function withSpan<T>(
  name: string,
  options: SpanOptions,
  body: (span: TraceSpan) => Promise<T>,
): Promise<T> {
  return isTraced() ? withOpenSpan(name, options, body) : body(noSpan)
}

async function withOpenSpan<T>(
  name: string,
  { attributes, parent }: SpanOptions,
  body: (span: TraceSpan) => Promise<T>,
): Promise<T> {
  const telemetry = await api()
  if (!telemetry) return body(noSpan)
  const { trace, context, propagation, SpanStatusCode } = telemetry
  const active = parent ? propagation.extract(context.active(), parent) : context.active()
  return trace.getTracer('flambeau', version).startActiveSpan(name, {}, active, async (span) => {
    const open: TraceSpan = {
      set: (given) => void span.setAttributes(defined(given)),
      fail(error, mask = (text) => text) {
        const shown = (text: string): string => maskEnvironment(mask(text))
        const message = shown(error.message)
        const stack = error.stack && { stack: shown(error.stack) }
        span.recordException({ name: error.name, message, ...stack })
        span.setStatus({ code: SpanStatusCode.ERROR, message })
      },
    }
    open.set(attributes)
    try {
      return await body(open)
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  })
}

/** The active context, for another process; `undefined` when the program does not trace. */
export async function traceCarrier(): Promise<TraceCarrier | undefined> {
  const telemetry = await api()
  if (!telemetry) return undefined
  const carrier: Record<string, string> = {}
  telemetry.propagation.inject(telemetry.context.active(), carrier)
  return Object.keys(carrier).length === 0 ? undefined : carrier
}

/** Waits until the spans so far are exported, before the process ends. An exporter that fails is a matter of the SDK. */
export async function flushSpans(): Promise<void> {
  const telemetry = await api()
  const provider = telemetry?.trace.getTracerProvider() as
    | (Api.TracerProvider & {
        getDelegate?(): { forceFlush?(): Promise<void> }
        forceFlush?(): Promise<void>
      })
    | undefined
  const delegate = provider?.getDelegate?.() ?? provider
  await delegate?.forceFlush?.().catch(() => {})
}

/** Shorter values are parts of other words. */
const shortestSecret = 6

function maskEnvironment(text: string): string {
  const secrets = Object.entries(process.env).filter(
    ([name, value = '']) => isSecretName(name) && value.length >= shortestSecret,
  )
  return secrets.reduce((masked, [name, value]) => masked.replaceAll(value!, () => `[${name}]`), text)
}

function defined(attributes: SpanOptions['attributes']): Api.Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== undefined),
  ) as Api.Attributes
}
