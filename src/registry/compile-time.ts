import type { FromYaml } from './hooks.js'
import type { Class, RegistrationOptions } from './registration.js'
import type { OutputOf, StandardSchema } from './standard-schema.js'

/**
 * A class that `options` allow: an abstract one only with `{ abstract: true }`, one with a private constructor only with
 * `{ create }`.
 */
export type ClassFor<O> = O extends { create: string }
  ? AnyClass
  : O extends { abstract: true }
    ? Class
    : new (
        ...args: any[]
      ) => object

/** Any class, also one whose constructor is private. */
export interface AnyClass {
  readonly prototype: object
  readonly name: string
}

/** `unknown` if the class can be registered with these options, else a type whose name says what is wrong. */
export type Fits<C, O extends RegistrationOptions> =
  HasFromYaml<C, O> extends true
    ? unknown
    : O extends { create: infer M extends string }
      ? Creates<C, M, SchemaOf<C, O>>
      : TakesOneObject<C> extends true
        ? TakesOutput<C, SchemaOf<C, O>>
        : Mistake<'the constructor must take one options object, or the class must have a static fromYaml'>

type Creates<C, M extends string, S extends StandardSchema> =
  C extends Record<M, (options: infer P, ...rest: any[]) => unknown>
    ? [S] extends [never]
      ? unknown
      : OutputOf<S> extends P
        ? unknown
        : Mistake<'the method that "create" names does not accept the output of the schema'>
    : Mistake<'"create" must name a static method of the class that takes the options'>

declare const mistake: unique symbol

interface Mistake<Message extends string> {
  readonly [mistake]: Message
}

/** Marks a class made by `with(schema)`, whose constructor takes the input of the schema. */
export interface ChecksItsInput {
  readonly checksItsInput: true
}

type HasFromYaml<C, O> = O extends { fromYaml: FromYaml }
  ? true
  : C extends { fromYaml: FromYaml }
    ? IsOwnHook<C['fromYaml']>
    : false

// The hook of a base class has an extra parameter as a mark.
type IsOwnHook<Hook extends (...args: any[]) => unknown> = 4 extends Parameters<Hook>['length'] ? false : true

type FirstParameter<C> = C extends abstract new (
  ...args: infer A
) => any
  ? A extends []
    ? object
    : A[0]
  : never

type TakesOneObject<C> = C extends abstract new (
  options: any,
) => any
  ? IsOptions<NonNullable<FirstParameter<C>>>
  : false

// For `string | { path: string }` the object is enough; arrays and functions are not mappings.
type IsOptions<P> = unknown extends P
  ? true
  : [Exclude<Extract<P, object>, readonly unknown[] | ((...args: any) => any)>] extends [never]
    ? IsEmptyObject<P>
    : true

type IsEmptyObject<P> = [{}] extends [P] ? true : false

type SchemaOf<C, O> = O extends { schema: infer S extends StandardSchema }
  ? S
  : C extends ChecksItsInput
    ? never
    : C extends { schema: infer S extends StandardSchema }
      ? S
      : never

type TakesOutput<C, S extends StandardSchema> = [S] extends [never]
  ? unknown
  : OutputOf<S> extends FirstParameter<C>
    ? unknown
    : Mistake<'the constructor does not accept the output of the schema'>
