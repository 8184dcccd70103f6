// Bundles what tsc emitted.
import { resolve } from 'node:path'

export default {
  mode: 'none',
  target: 'node20',
  entry: './dist/bundle.js',
  output: { path: resolve('../out/webpack'), filename: 'bundle.cjs' },
}
