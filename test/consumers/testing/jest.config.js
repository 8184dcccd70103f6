// jest.config.js
export default {
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testMatch: ['**/jest/*.test.ts'],
  transform: { '\\.ts$': ['ts-jest', { useESM: true }] },
}
