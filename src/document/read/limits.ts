/** How many collections may stand in one another. */
export const maxDepth = 500

/** What `<<` may bring along in a whole text: enough for any file, too little to fill the memory with. */
export const maxMerged = 1_000_000
