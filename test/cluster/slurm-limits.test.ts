// What a job asks for is compared with what Slurm says of its partitions, in every form in which both are written.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emitted } from '../support/emitted.js'

const { findExcess } = await emitted('cluster/slurm-limits.js')

const partitions = `PartitionName=main Default=YES MaxNodes=UNLIMITED MaxTime=7-00:00:00 MaxCPUsPerNode=UNLIMITED TotalNodes=3 MaxMemPerNode=UNLIMITED TRES=cpu=8,mem=16000M
PartitionName=short Default=NO MaxNodes=1 MaxTime=00:05:00 MaxCPUsPerNode=2 TotalNodes=2 MaxMemPerNode=1000
PartitionName=open Default=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED TotalNodes=0
`
const nodes = 'main|4|8000\nmain|64|16000\nshort|4|8000\n'
const whatOf = (...args: readonly string[]): string | undefined =>
  findExcess(args, { partitions, nodes })?.what

test('the last value of an option counts, in any form', () => {
  for (const args of [
    ['--time=8-0'],
    ['--time=7-0:0:1'],
    ['-t168:01:00'],
    ['--time=1', '-tinfinite'],
    ['--time=0'],
    ['-t0:00'],
  ])
    assert.equal(whatOf(...args), 'time', args.join(' '))
  for (const args of [
    ['--time=7-0'],
    ['--time=168:00:00'],
    ['--time=10080'],
    ['-t8-0', '--time=1'],
    ['--time=soon'],
  ])
    assert.equal(whatOf(...args), undefined, args.join(' '))
  assert.equal(whatOf('--mem=16G'), 'memory')
  assert.equal(whatOf('--mem=16000'), undefined)
  assert.equal(whatOf('--mem=0'), undefined)
  assert.equal(whatOf('-c65'), 'cpus')
  assert.equal(whatOf('--nodes=4'), 'nodes')
})

test('of several partitions, one is enough', () => {
  assert.equal(whatOf('--partition=short', '--nodes=2'), 'nodes')
  assert.equal(whatOf('-pshort', '--cpus-per-task=3'), 'cpus')
  assert.equal(whatOf('-pshort', '--mem=1001M'), 'memory')
  assert.equal(whatOf('--partition=short,main', '--nodes=2'), undefined)
  assert.equal(whatOf('--partition=open', '--nodes=9', '--mem=1T', '--time=900-0', '-c999'), undefined)
  assert.equal(whatOf('--partition=nowhere', '--nodes=9'), undefined)
})

test('without an answer of Slurm, nothing is too much', () => {
  assert.equal(findExcess(['--nodes=9'], { partitions: '', nodes: '' }), undefined)
  assert.equal(findExcess(['--mem=9T'], { partitions, nodes: '' }), undefined)
})
