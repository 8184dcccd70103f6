import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { findProgram } from './find-program.js'

/** A GPU of a host. */
export interface Gpu {
  /** The number by which `CUDA_VISIBLE_DEVICES`, or `ROCR_VISIBLE_DEVICES`, names it. */
  readonly index: number
  /** Such as `NVIDIA A100-SXM4-40GB`. */
  readonly name: string
  /** In bytes; 0 when the tool of the vendor does not say it. */
  readonly memory: number
  readonly vendor: 'nvidia' | 'amd'
}

/** A GPU of this machine. */
export interface LocalGpu extends Gpu {
  /** Identifies the GPU on this machine: its index depends on which GPUs a container, or Slurm, shows. */
  readonly id: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Where programs are that are often not in PATH. */
const programFiles: Readonly<Record<string, string>> = { 'rocm-smi': '/opt/rocm/bin/rocm-smi' }

/** A GPU whose driver hangs must not make a host hang. */
const timeoutMs = 20_000

/**
 * The GPUs of this machine, in the order of their numbers. Those are left out that an environment hides: that of this process, or the
 * variables of the processes that will use them.
 */
export async function listGpus(
  env: Environment = process.env,
  variables: Environment = {},
): Promise<LocalGpu[]> {
  const [nvidia, amd] = await Promise.all([
    printed('nvidia-smi', ['--query-gpu=index,name,memory.total,uuid', '--format=csv,noheader,nounits']),
    printed('rocm-smi', ['--showproductname', '--showmeminfo', 'vram', '--showuniqueid', '--json']),
  ])
  const [first, second] = [env, variables].map((each) => [
    ...visible(parseNvidiaSmi(nvidia), each['CUDA_VISIBLE_DEVICES']),
    ...visible(parseRocmSmi(amd), each['ROCR_VISIBLE_DEVICES'] ?? each['HIP_VISIBLE_DEVICES']),
  ])
  const ids = new Set(second!.map(({ id }) => id))
  return first!.filter(({ id }) => ids.has(id))
}

// Both programs exit with an error when there is no driver; what they print then lists no GPU.
function printed(name: string, args: readonly string[]): Promise<string> {
  const program = findProgram(name) ?? programFiles[name]
  if (program === undefined || !existsSync(program)) return Promise.resolve('')
  return new Promise((resolve) => {
    execFile(program, args, { timeout: timeoutMs, killSignal: 'SIGKILL' }, (_error, stdout) =>
      resolve(stdout),
    )
  })
}

/** Reads what `nvidia-smi --query-gpu=index,name,memory.total,uuid --format=csv,noheader,nounits` prints. */
export function parseNvidiaSmi(text: string): LocalGpu[] {
  return text.split('\n').flatMap((line): LocalGpu[] => {
    // Memory that a GPU shares with the CPU is "[N/A]".
    const [, index, name = '', mebibytes, id = `NVIDIA-${index}`] =
      /^\s*(\d+), *(.+?), *(\d+|\[[^\]]*\])(?:, *(GPU-\S+))?\s*$/.exec(line) ?? []
    if (index === undefined) return []
    const memory = (Number(mebibytes) || 0) * 2 ** 20
    return [{ index: Number(index), name, memory, vendor: 'nvidia', id }]
  })
}

/** Reads what `rocm-smi --showproductname --showmeminfo vram --showuniqueid --json` prints, perhaps after warnings. */
export function parseRocmSmi(text: string): LocalGpu[] {
  const cards = Object.entries(jsonIn(text)).flatMap(([key, card]): LocalGpu[] => {
    const [, index] = /^card(\d+)$/.exec(key) ?? []
    return index === undefined ? [] : [amdGpu(Number(index), card)]
  })
  return cards.sort((a, b) => a.index - b.index)
}

// Earlier versions write "Card series".
function amdGpu(index: number, card: Readonly<Record<string, string>>): LocalGpu {
  const name = card['Card Series'] ?? card['Card series'] ?? card['Device Name'] ?? 'AMD GPU'
  const memory = Number(card['VRAM Total Memory (B)']) || 0
  const unique = card['Unique ID'] ?? 'N/A'
  return { index, name, memory, vendor: 'amd', id: `AMD-${unique === 'N/A' ? index : unique}` }
}

function jsonIn(text: string): Readonly<Record<string, Record<string, string>>> {
  try {
    return JSON.parse(text.slice(text.indexOf('{')))
  } catch {
    return {}
  }
}

// As CUDA reads the variable: numbers or beginnings of identifiers, up to the first that names no GPU.
function visible(gpus: readonly LocalGpu[], variable: string | undefined): LocalGpu[] {
  if (variable === undefined) return [...gpus]
  const shown: LocalGpu[] = []
  for (const name of variable.split(',').map((each) => each.trim())) {
    const gpu = gpus.find(
      ({ index, id }) => String(index) === name || (/^GPU-./.test(name) && id.startsWith(name)),
    )
    if (!gpu || shown.includes(gpu)) break
    shown.push(gpu)
  }
  return shown.sort((a, b) => a.index - b.index)
}

/** How many GPUs there are of each vendor: one process uses those of one. */
export function countByVendor(gpus: readonly Pick<Gpu, 'vendor'>[]): number[] {
  return (['nvidia', 'amd'] as const).map((vendor) => gpus.filter((gpu) => gpu.vendor === vendor).length)
}

/** The variables with which a process sees these GPUs, of one vendor, and no others; `undefined` for those that it must not have. */
export function gpuVariables(gpus: readonly Gpu[]): Record<string, string | undefined> {
  const numbers = gpus.map(({ index }) => index).join(',')
  // Numbers mean the same as for nvidia-smi only in this order.
  if (gpus[0]?.vendor !== 'amd') return { CUDA_VISIBLE_DEVICES: numbers, CUDA_DEVICE_ORDER: 'PCI_BUS_ID' }
  // HIP counts among the GPUs that the runtime below it shows, and reads the variable of CUDA, too.
  return { ROCR_VISIBLE_DEVICES: numbers, HIP_VISIBLE_DEVICES: undefined, CUDA_VISIBLE_DEVICES: undefined }
}
