/** `reflect-metadata`: Node searches a CommonJS file that is imported for its exports, which takes as long as half of an empty process. */
import { createRequire } from 'node:module'

createRequire(import.meta.url)('reflect-metadata/lite')
