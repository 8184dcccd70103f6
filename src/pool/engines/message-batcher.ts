/** Sends the messages of one turn together: sending costs more than most of them are worth. */
export class MessageBatcher<Message> {
  #messages: Message[] = []

  constructor(readonly send: (messages: Message[]) => void) {}

  post(message: Message): void {
    if (this.#messages.length === 0) setImmediate(() => this.#flush())
    this.#messages.push(message)
  }

  #flush(): void {
    const messages = this.#messages
    this.#messages = []
    this.send(messages)
  }
}
