// What TypeDoc does not do by itself: modules are called what an import calls them, and each page leads to the guides.
import { Converter, JSX, ReflectionKind } from 'typedoc'

const modules = {
  index: 'flambeau',
  cluster: 'flambeau/cluster',
  pool: 'flambeau/pool',
  'pool/bullmq': 'flambeau/bullmq',
  'pool/engines/bullmq': 'flambeau/bullmq',
  testing: 'flambeau/testing',
}

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module))
      module.name = modules[module.name] ?? module.name
  })
  // Relative, since the site may be served from any path.
  app.renderer.hooks.on('body.begin', (context) =>
    JSX.createElement(
      'a',
      { class: 'guides', href: context.relativeURL('../index.html') },
      '← Guides of flambeau',
    ),
  )
}
