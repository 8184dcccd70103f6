/** The standard streams of a worker, which marks in them where the output of a task ends. */
export class OutputMarks {
  readonly #streams = [process.stdout, process.stderr]
  /** As they are before a module of the user replaces them. */
  readonly #write = this.#streams.map((stream) => stream.write.bind(stream))
  #before: readonly number[] = []
  #number = 0
  mark = ''

  constructor() {
    // A pipe that is full makes a task wait; what it printed last is not lost when it ends its process.
    for (const stream of this.#streams)
      (stream as unknown as { _handle?: { setBlocking?(blocking: boolean): void } })._handle?.setBlocking?.(
        true,
      )
  }

  /** A task begins. */
  begin(): void {
    this.#number++
    this.#before = this.#bytes()
  }

  /** A task has ended: says on which streams it printed, each of which has a mark now. */
  end(): boolean[] {
    const bytes = this.#bytes()
    return this.#write.map((write, index) => {
      const printed = bytes[index] !== this.#before[index]
      if (printed) write(`${this.mark}${this.#number}\n`)
      return printed
    })
  }

  #bytes(): number[] {
    return this.#streams.map((stream) => (stream as unknown as { bytesWritten: number }).bytesWritten)
  }
}
