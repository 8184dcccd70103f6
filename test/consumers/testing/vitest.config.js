// vitest.config.js
export default {
  test: { include: ['vitest/*.test.ts'] },
}
