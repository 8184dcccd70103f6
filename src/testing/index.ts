export type { SecretValues } from '../runnable/secrets/secrets.js'
export { secretsOf } from '../runnable/secrets/secrets.js'
export {
  type ConformanceCheck,
  conformancePath,
  conformanceProgram,
  hostConformance,
} from './host-conformance.js'
export { type InlinePoolOptions, inlinePool } from './inline-pool.js'
export type { MemoryFile, MemoryRecord } from './memory-agent.js'
export { MemoryCluster, type MemoryClusterOptions } from './memory-cluster.js'
export { type MemoryCall, MemoryHost, type MemoryHostOptions, type MemoryProgram } from './memory-host.js'
export { type LogLine, MemoryLogger } from './memory-logger.js'
export { type RunYamlOptions, runYaml, type YamlRun } from './run-yaml.js'
export { withRegistry } from './with-registry.js'
