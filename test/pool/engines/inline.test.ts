import { conforms } from '../../support/engine-conformance.js'

conforms('inline', { apart: false, open: async () => ({ engine: 'inline', graceMs: 1000 }) })
