import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** A port of the loopback that leads to another address, with a delay of so many milliseconds each way. */
export async function delayed(host, port, ms) {
  const sockets = new Set()
  const server = createServer((near) => {
    const far = connect({ host, port })
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from)
      from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), ms))
      from.on('end', () => setTimeout(() => to.end(), ms))
      from.on('error', () => to.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: server.address().port,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
