import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, test } from 'node:test'
import { type Engine, openPool, type TaskMessage, type Watch } from 'flambeau/pool'
import { emitted } from '../support/emitted.js'
import { all } from '../support/engine-conformance.js'
import { Echo } from '../support/pool-tasks.js'

const { Cancellation } = await emitted('pool/cancellation.js')

describe('the cancellation of a task', () => {
  test('aborts its signal, whether that is read before or afterwards', () => {
    const [early, late] = [new Cancellation(), new Cancellation()]
    const { signal } = early
    early.cancel()
    late.cancel()
    assert.equal(signal.aborted, true)
    assert.equal(late.signal.aborted, true)
    assert.equal(early.signal, signal)
  })

  test('calls each of its listeners once, and none that was removed', () => {
    const cancellation = new Cancellation()
    const called: string[] = []
    const listeners = ['first', 'second', 'third'].map((name) => ({ onCancelled: () => called.push(name) }))
    for (const listener of listeners) cancellation.add(listener)
    cancellation.delete(listeners[1])
    cancellation.cancel()
    cancellation.cancel()
    assert.deepEqual(called, ['first', 'third'])
  })

  test('follows the signal of another caller, and leaves no listener on it', () => {
    const { signal, abort } = controller()
    const [ended, followed] = [Cancellation.of(signal), Cancellation.of(signal)]
    const listener = { onCancelled: () => {} }
    ended.add(listener)
    ended.delete(listener)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    let calls = 0
    followed.add({ onCancelled: () => calls++ })
    abort()
    assert.equal(calls, 1)
    assert.equal(followed.isCancelled, true)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  test('makes a signal only for an engine that reads it', async () => {
    const made = await signalsMadeBy(async ({ onNews }) => onNews({ type: 'started' }))
    assert.equal(made, 0)
    assert.equal(await signalsMadeBy(async ({ signal }) => assert.equal(signal.aborted, false)), 10)
  })

  test('reaches an engine of the user, which takes its watch apart', async () => {
    const seen: boolean[] = []
    const engine = engineOf(async ({ signal, onNews }) => {
      onNews({ type: 'started' })
      seen.push(signal.aborted)
    })
    const pool = await openPool({ engine })
    const outcomes = pool.map([new Echo()], { onError: 'collect', onEvent: ({ cancel }) => cancel() })
    await all(outcomes)
    assert.deepEqual(seen, [true])
    await pool.close()
  })
})

/** How many signals are made while an engine runs ten tasks. */
async function signalsMadeBy(run: (watch: Watch) => Promise<void>): Promise<number> {
  const { AbortController: Original } = globalThis
  const pool = await openPool({ engine: engineOf(run) })
  let made = 0
  globalThis.AbortController = class extends Original {
    constructor() {
      super()
      made++
    }
  }
  try {
    await all(pool.map(Array.from({ length: 10 }, () => new Echo())))
    return made
  } finally {
    globalThis.AbortController = Original
    await pool.close()
  }
}

function engineOf(run: (watch: Watch) => Promise<void>): Engine {
  return {
    capacity: 4,
    run: async (_task: TaskMessage, watch: Watch) => {
      await run(watch)
      return { ok: true, result: {}, host: 'here' }
    },
    close: async () => {},
  }
}

function controller(): { readonly signal: AbortSignal; abort(): void } {
  const made = new AbortController()
  return { signal: made.signal, abort: () => made.abort() }
}
