import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { emitted } from '../../../support/emitted.js'

const { FrameReader, FrameSink } = await emitted('pool/engines/cluster/output-frames.js')

type Output = readonly ['print' | 'note', text: string, task: string]

/** What a worker host writes for outputs of tasks. */
function written(outputs: readonly Output[]): Buffer {
  const chunks: Buffer[] = []
  const { write } = process.stdout
  process.stdout.write = ((text: string, encoding: BufferEncoding) =>
    chunks.push(Buffer.from(text, encoding))) as never
  try {
    const sink = new FrameSink({ hasLogs: true })
    for (const [kind, text, task] of outputs) sink[kind](text, task)
  } finally {
    process.stdout.write = write
  }
  return Buffer.concat(chunks)
}

/** What a pool reads of bytes that arrive in chunks of a size. */
function read(bytes: Buffer, size: number): { outputs: Output[]; lines: string[] } {
  const found = { outputs: [] as Output[], lines: [] as string[] }
  const sink = {
    isFull: false,
    print: (text: string, task: string) => void found.outputs.push(['print', text, task]),
    note: (text: string, task: string) => void found.outputs.push(['note', text, task]),
  }
  const reader = new FrameReader(sink, (line: string) => found.lines.push(line))
  for (let start = 0; start < bytes.length; start += size) reader.add(bytes.subarray(start, start + size))
  return found
}

const latin1 = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const output = fc.oneof(
  fc.tuple(fc.constant('print' as const), latin1, fc.string()),
  fc.tuple(fc.constant('note' as const), fc.string({ unit: 'binary' }).filter(isWhole), fc.string()),
)

// Half a character is not in UTF-8.
function isWhole(text: string): boolean {
  return Buffer.from(text).toString() === text
}

describe('the frames of what tasks print', () => {
  test('arrive as they were sent, in chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(output), fc.integer({ min: 1, max: 5000 }), (outputs, size) => {
        assert.deepEqual(read(written(outputs), size), { outputs, lines: [] })
      }),
    )
  })

  test('are whole, however much is printed at once', () => {
    const outputs: Output[] = [['print', `${'\0'.repeat(1 << 20)}\n`, '07']]
    assert.deepEqual(read(written(outputs), 1 << 16).outputs, outputs)
  })

  test('are told from other lines, and what is no frame is none', () => {
    const lines = [
      'ready',
      '{',
      '{}',
      'null',
      '{"task":1,"lines":""}',
      '{"task":"1","note":""}',
      '["07","x"]',
    ]
    assert.deepEqual(read(Buffer.from(`${lines.join('\n')}\n`), 7), { outputs: [], lines })
  })
})
