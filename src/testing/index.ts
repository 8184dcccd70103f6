export { conformanceProgram } from './conformance-program.js'
export { type ConformanceCheck, conformancePath, hostConformance } from './host-conformance.js'
export type { MemoryFile } from './memory-files.js'
export {
  type MemoryCall,
  MemoryHost,
  type MemoryHostOptions,
  type MemoryProgram,
  type MemoryRecord,
} from './memory-host.js'
