export default {
  logLevel: 'warn',
  ssr: { noExternal: true },
  build: { ssr: true, rollupOptions: { input: ['src/bundle.ts', 'src/plain.ts'] }, outDir: '../out/vite' },
}
