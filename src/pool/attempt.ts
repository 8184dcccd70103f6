import { hostname } from 'node:os'
import { maskedData, type Redact, redactOf } from '../runnable/secrets/mask.js'
import type { Ended, EndReason, TaskMessage, TaskNews } from './engine.js'
import { maskedPacked, type PackedError, packError } from './packed-error.js'
import { packResult } from './packed-result.js'
import type { PreparedWorker } from './prepare-worker.js'
import { runTask } from './run-task.js'

/** The name of this machine, as results and errors show it. */
export const thisHost = hostname()

/** Runs one attempt in this process; what a task throws is how it ended. */
export async function attemptHere(
  task: TaskMessage,
  worker: PreparedWorker,
  { signal, tell }: { signal: AbortSignal; tell: (news: TaskNews) => void },
): Promise<Ended> {
  // What a task says of itself is masked here, before any engine sends or keeps it.
  const redact = redactOf(worker.secrets)
  const tellMasked = (news: TaskNews): void => tell(worker.secrets ? maskedNews(news, redact) : news)
  try {
    const value = await runTask(task, { ...worker, signal, tell: tellMasked })
    return { ok: true, result: await packResult(value, task.id, worker.folder), host: thisHost }
  } catch (thrown) {
    return ended('failed', maskedPacked(packError(thrown), redact))
  }
}

function maskedNews(news: TaskNews, redact: Redact): TaskNews {
  if (news.type === 'log') return { ...news, text: redact(news.text) }
  return news.type === 'progress' ? { ...news, value: maskedData(news.value, redact) } : news
}

/** An attempt that did not come to its result, and why. */
export function ended(reason: EndReason, error: PackedError): Ended {
  return { ok: false, reason, error, host: thisHost }
}

/** What stands for an error of an attempt that was ended from outside. */
export function endedBy(reason: Exclude<EndReason, 'failed'>, message: string): Ended {
  return ended(reason, { name: 'Error', message, stack: message })
}
