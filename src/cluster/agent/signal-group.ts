/** Sends a signal to a process group; whether there was one. Signal 0 only asks. */
export function signalGroup(leader: number | undefined, signal: NodeJS.Signals | 0): boolean {
  return leader !== undefined && signalProcess(-leader, signal)
}

/** Sends a signal to a process; whether there was one. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
