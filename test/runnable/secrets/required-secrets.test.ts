import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type MissingSecretsError, parseSecrets, Registry, Runnable, runFile } from 'flambeau'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

class Base extends Runnable {
  static override readonly secrets: Record<string, string[]> = { AWS: ['KEY'] }
  static constructed = 0
  constructor(options?: object) {
    super(options)
    Base.constructed++
  }
  override run(): string {
    return 'done'
  }
}
class Inherits extends Base {}
class Replaces extends Base {
  static override readonly secrets = { Mail: [] }
}
class Adds extends Base {
  static override readonly secrets = { ...Base.secrets, Mail: ['USER'] }
}

async function outcomeOf(Class: new (options?: object) => Runnable, text = '') {
  const registry = new Registry()
  registry.add(Class, '!It')
  const secrets = await parseSecrets(text)
  return runFile({ content: '!It {}' }, { registry, secrets, logger: quiet })
}

async function codesOf(Class: new (options?: object) => Runnable, text?: string): Promise<string[]> {
  const outcome = await outcomeOf(Class, text)
  return outcome.ok ? [] : (outcome.error as MissingSecretsError).problems.map(({ code }) => code)
}

describe('static secrets', () => {
  test('count when they are inherited, are replaced by those of a subclass, and can be added to', async () => {
    assert.deepEqual(await codesOf(Inherits), ['SECRETS_NO_SECTION'])
    assert.deepEqual(await codesOf(Replaces, '[Mail]\n'), [])
    assert.deepEqual(await codesOf(Adds, '[AWS]\n[Mail]\n'), ['SECRETS_NO_KEY', 'SECRETS_NO_KEY'])
    assert.deepEqual(await codesOf(Adds, '[AWS]\nkey = 1\n[Mail]\nuser = 1\n'), [])
  })

  test('are checked before anything is constructed', async () => {
    const before = Base.constructed
    await codesOf(Base)
    assert.equal(Base.constructed, before)
  })

  for (const wrong of ['AWS', ['AWS'], { AWS: 'KEY' }, { AWS: [1] }, { AWS: [''] }, null])
    test(`of a wrong shape are a mistake of the program: ${JSON.stringify(wrong)}`, () => {
      class Wrong extends Base {
        static override readonly secrets = wrong as any
      }
      assert.throws(() => new Registry().add(Wrong, '!Wrong'), {
        name: 'RegistrationError',
        message: /"Wrong" must be lists .*: write "static secrets = \{ AWS: \['ACCESS_KEY'\] \}"/,
      })
    })
})
