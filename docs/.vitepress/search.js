// The search of the site. MiniSearch drops punctuation, and readers look for `--import`, `!include`, `@registrable` and
// `.flambeau/extensions`. VitePress sends these functions to the browser as text: each must be complete in itself.

/** The words of a section: each as it stands, its parts, and what follows a slash in it. */
function tokenize(text) {
  const entities = { '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"', '&#39;': "'" }
  const plain = text.replace(/&(?:lt|gt|amp|quot|#39);/g, (entity) => entities[entity])
  const words = plain.match(/[-!@.$~/]*[\p{L}\p{N}_]+(?:[-./:]+[\p{L}\p{N}_]+)*/gu) ?? []
  return words.flatMap((word) => {
    const parts = word.match(/[\p{L}\p{N}_]+/gu)
    const ends = [...word.matchAll(/\/(?=.)/g)].map(({ index }) => word.slice(index + 1))
    return [...new Set([word, ...ends, ...parts])]
  })
}

/** The words of what is typed: as they stand, so that `--import` does not find each "import". */
function tokenizeQuery(query) {
  return query.match(/[-!@.$~/]*[\p{L}\p{N}_]+(?:[-./:]+[\p{L}\p{N}_]+)*/gu) ?? [query]
}

/** Forgives typing errors in words, not in names that have a sign. */
function fuzzy(term) {
  return /^\p{L}{5,}$/u.test(term) ? 0.2 : false
}

/** Prefers the guide that explains options, decorators or tags to others, and those to pages on background. */
function boostDocument(id, term) {
  if (/\/(?:changelog|contributing|compared|from-flambe|architecture|performance)\.html/.test(id)) return 0.5
  const guides = { '-': 'running', '@': 'registry', '!': 'composition' }
  return id.includes(`/${guides[term[0]]}.html`) && !id.includes('/errors/') ? 2 : 1
}

export const search = {
  provider: 'local',
  options: {
    detailedView: true,
    miniSearch: {
      options: { tokenize },
      searchOptions: {
        tokenize: tokenizeQuery,
        fuzzy,
        boostDocument,
        prefix: true,
        boost: { title: 4, text: 2, titles: 1 },
      },
    },
  },
}
