import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { allProcesses, read } from './processes.js'
import { TestHost } from './test-host.js'

/** An sshd on a port of this machine: its own home folder, but everybody's network and processes. */
export class LoopbackHost extends TestHost {
  readonly address = '127.0.0.1'
  port = 0

  /** Those that carry the mark of this host in their environment. */
  processes(): number[] {
    const mark = `FLAMBEAU_TEST_HOST=${this.folder}\0`
    return allProcesses().filter((pid) => read(`/proc/${pid}/environ`).includes(mark))
  }

  async boot(): Promise<void> {
    if (this.port === 0) this.port = await freePort()
    this.writeConfig([`ListenAddress 127.0.0.1:${this.port}`])
    // Root's sshd refuses to start without the folder, which the system's service makes.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
    this.start([], '')
    await this.ready()
    this.child!.stdin!.write('go\n')
    await this.answers()
  }

  async kill(): Promise<void> {
    this.child?.stdin?.end()
    await this.ended()
    for (const pid of this.processes()) process.kill(pid, 'SIGKILL')
  }

  cut(): never {
    throw new Error('a host on the loopback cannot be cut off')
  }

  mend(): void {}
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
