// Stand-ins for the programs of the vendors of GPUs, which print what real ones have printed.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Two GPUs in the words of `nvidia-smi`; `machine` tells their identifiers from those of other tests. */
export function twoGpus(machine: string): string {
  const uuid = (index: number) => `GPU-${machine}-${process.pid}-${index}`
  return `0, NVIDIA A100-SXM4-40GB, 40960, ${uuid(0)}\n1, NVIDIA A100-SXM4-40GB, 40960, ${uuid(1)}\n`
}

/** Writes a program that prints a text, and returns its folder, for PATH. */
export function standIn(folder: string, name: 'nvidia-smi' | 'rocm-smi', text: string, exitCode = 0): string {
  const programs = join(folder, 'programs')
  mkdirSync(programs, { recursive: true })
  writeFileSync(join(programs, `${name}.txt`), text)
  const path = join(programs, name)
  writeFileSync(path, `#!/bin/sh\ncat '${join(programs, name)}.txt'\nexit ${exitCode}\n`)
  chmodSync(path, 0o755)
  return programs
}

/** Checks that no GPU was used twice at a time, and returns the lines that `UseGpu` wrote. */
export function overlaps(text: string): { lines: string[]; overlaps: string[] } {
  const users = new Map<string, string>()
  const overlaps: string[] = []
  const lines = text.trim().split('\n')
  for (const line of lines) {
    const [what, gpus = '', ...who] = line.split(' ')
    for (const gpu of gpus.split(',')) {
      if (what === 'begin' && users.has(gpu)) overlaps.push(`${line} / ${users.get(gpu)}`)
      if (what === 'begin') users.set(gpu, who.join(' '))
      else users.delete(gpu)
    }
  }
  return { lines, overlaps }
}
