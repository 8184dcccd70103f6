import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { standIn } from '../support/gpus.js'

const { gpuVariables, listGpus, parseNvidiaSmi, parseRocmSmi } = await import(
  pathToFileURL(join('build/js/util/gpus.js')).href
)

// As the programs print it on machines with these GPUs, from public reports; the UUIDs are made up.
const a100 = [
  '0, NVIDIA A100-SXM4-40GB, 40536, GPU-5c9ff0c4-2a39-4b5e-9f6e-2d3c6f6b8e11',
  '1, NVIDIA A100-SXM4-40GB, 40536, GPU-9d0c7a11-31b2-46cf-8a1b-0f4f8a5f7d20',
  '',
].join('\n')
const sharedMemory = '0, NVIDIA GB10, [N/A], GPU-4b6f2b1e-9a0f-11ef-8c3c-7c5a1c3d2e4f\n'
const noDriver =
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n"
const rx7900 = JSON.stringify({
  card0: {
    'GPU use (%)': '0',
    'VRAM Total Memory (B)': '21458059264',
    'VRAM Total Used Memory (B)': '27856896',
    'Card Series': 'Radeon RX 7900 XT',
    'Card Model': '0x744c',
    'Card Vendor': 'Advanced Micro Devices, Inc. [AMD/ATI]',
    'Card SKU': 'D70401XT',
    'Subsystem ID': '0x471e',
    'Device Rev': '0xcc',
    'Node ID': '1',
    GUID: '26967',
    'GFX Version': 'gfx1100',
  },
})
const rx6800WithGraphicsOfTheCpu = JSON.stringify({
  card1: {
    'Unique ID': 'N/A',
    'VRAM Total Memory (B)': '67108864',
    'VRAM Total Used Memory (B)': '26079232',
    'Card Series': 'Raphael',
    'Card Model': '0x164e',
  },
  card0: {
    'Unique ID': '0x9246a1b2c3d4e5f6',
    'VRAM Total Memory (B)': '17163091968',
    'VRAM Total Used Memory (B)': '692142080',
    'Card Series': 'Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]',
    'Card Model': '0x73bf',
  },
  system: { 'Driver version': '6.7.0' },
})
const mi100 = JSON.stringify({
  card0: {
    'Card series': 'Arcturus GL-XL [AMD Instinct MI100]',
    'Card model': '0x0c34',
    'Card SKU': 'D34316',
  },
})
const warning =
  'WARNING: AMD GPU device(s) is/are in a low-power state. Check power control/runtime_status\n\n'

describe('what nvidia-smi prints', () => {
  test('lists the GPUs, with their memory', () => {
    assert.deepEqual(parseNvidiaSmi(a100)[1], {
      index: 1,
      name: 'NVIDIA A100-SXM4-40GB',
      memory: 40536 * 2 ** 20,
      vendor: 'nvidia',
      id: 'GPU-9d0c7a11-31b2-46cf-8a1b-0f4f8a5f7d20',
    })
  })

  test('may leave out the memory that a GPU shares with the CPU', () => {
    const [{ name, memory }] = parseNvidiaSmi(sharedMemory)
    assert.deepEqual([name, memory], ['NVIDIA GB10', 0])
  })

  test('lists no GPU without a driver or a device', () => {
    for (const text of ['', noDriver, 'No devices were found\n']) assert.deepEqual(parseNvidiaSmi(text), [])
  })
})

describe('what rocm-smi prints', () => {
  test('lists the GPUs in the order of their numbers', () => {
    const gpus = parseRocmSmi(rx6800WithGraphicsOfTheCpu)
    assert.deepEqual(gpus[0], {
      index: 0,
      name: 'Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]',
      memory: 17163091968,
      vendor: 'amd',
      id: 'AMD-0x9246a1b2c3d4e5f6',
    })
    assert.deepEqual([gpus[1].index, gpus[1].id, gpus.length], [1, 'AMD-1', 2])
  })

  test('may begin with warnings, and earlier versions have other names', () => {
    assert.deepEqual(
      [...parseRocmSmi(warning + rx7900), ...parseRocmSmi(mi100)].map(({ name, memory }) => [name, memory]),
      [
        ['Radeon RX 7900 XT', 21458059264],
        ['Arcturus GL-XL [AMD Instinct MI100]', 0],
      ],
    )
  })

  test('lists no GPU without a driver', () => {
    const text = 'ERROR:root:Driver not initialized (amdgpu not found in modules)\n'
    for (const each of ['', text, warning]) assert.deepEqual(parseRocmSmi(each), [])
  })
})

describe('the GPUs of this machine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-gpus-'))
  const path = process.env['PATH']
  after(() => {
    process.env['PATH'] = path
    rmSync(folder, { recursive: true, force: true })
  })
  const numbers = async (...variables: object[]) =>
    (await listGpus(...variables)).map((gpu: { index: number }) => gpu.index)

  test('are those that the programs list and the environment does not hide', async () => {
    process.env['PATH'] = [standIn(folder, 'nvidia-smi', a100), path].join(delimiter)
    assert.deepEqual(await numbers({}), [0, 1])
    assert.deepEqual(await numbers({ CUDA_VISIBLE_DEVICES: '1' }), [1])
    assert.deepEqual(await numbers({ CUDA_VISIBLE_DEVICES: '1,0' }), [0, 1])
    assert.deepEqual(await numbers({ CUDA_VISIBLE_DEVICES: 'GPU-9d0c7a11' }), [1])
    for (const none of ['', '-1', 'NoDevFiles', '5,0', 'MIG-3f1b'])
      assert.deepEqual(await numbers({ CUDA_VISIBLE_DEVICES: none }), [], none)
    assert.deepEqual(await numbers({}, { CUDA_VISIBLE_DEVICES: '1' }), [1])
    // Variables show nothing that the environment hides.
    assert.deepEqual(await numbers({ CUDA_VISIBLE_DEVICES: '0' }, { CUDA_VISIBLE_DEVICES: '0,1' }), [0])
  })

  test('are none when the program of the vendor fails', async () => {
    process.env['PATH'] = [standIn(folder, 'nvidia-smi', noDriver, 9), path].join(delimiter)
    assert.deepEqual(await numbers({}), [])
  })

  test('of AMD come after those of NVIDIA', async () => {
    process.env['PATH'] = [standIn(folder, 'rocm-smi', rx6800WithGraphicsOfTheCpu), path].join(delimiter)
    assert.deepEqual(await numbers({}), [0, 1])
    assert.deepEqual(await numbers({ ROCR_VISIBLE_DEVICES: '0' }), [0])
  })
})

test('a process sees its GPUs by the variables of their vendor', () => {
  assert.deepEqual(gpuVariables(parseNvidiaSmi(a100)), {
    CUDA_VISIBLE_DEVICES: '0,1',
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
  })
  assert.deepEqual(gpuVariables(parseRocmSmi(rx7900)), {
    ROCR_VISIBLE_DEVICES: '0',
    HIP_VISIBLE_DEVICES: undefined,
    CUDA_VISIBLE_DEVICES: undefined,
  })
})
