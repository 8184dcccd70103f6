import ts from 'typescript'

const { factory } = ts

/**
 * A transformer that rewrites `@a() class C { @b static m() {} }` as `class C { static m() {} }; b(C, 'm'); a()(C)`,
 * which is what someone writes whose tools cannot do decorators.
 */
export function decoratorsToCalls(context) {
  const visit = (node) => {
    if (ts.isClassDeclaration(node) && isDecorated(node))
      return [withoutDecorators(visitChildren(node)), ...callsFor(node)]
    return visitChildren(node)
  }
  const visitChildren = (node) => ts.visitEachChild(node, visit, context)
  return (file) => ts.visitNode(file, visit)
}

function isDecorated(declaration) {
  return [declaration, ...declaration.members].some((node) => decoratorsOf(node).length > 0)
}

function decoratorsOf(node) {
  return ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : []
}

// Members first, then the class, the lowest decorator first: the order in which decorators are applied.
function callsFor(declaration) {
  const members = declaration.members.flatMap((member) =>
    decoratorsOf(member).map(({ expression }) =>
      call(expression, [declaration.name, factory.createStringLiteral(member.name.text)]),
    ),
  )
  const own = [...decoratorsOf(declaration)]
    .reverse()
    .map(({ expression }) => call(expression, [declaration.name]))
  return [...members, ...own].map((expression) => factory.createExpressionStatement(expression))
}

function call(expression, argumentsArray) {
  return factory.createCallExpression(expression, undefined, argumentsArray)
}

function withoutDecorators(node) {
  const plain = (modifiers) => modifiers?.filter((modifier) => !ts.isDecorator(modifier))
  const members = node.members.map((member) =>
    ts.isMethodDeclaration(member) && member.modifiers
      ? factory.updateMethodDeclaration(
          member,
          plain(member.modifiers),
          member.asteriskToken,
          member.name,
          member.questionToken,
          member.typeParameters,
          member.parameters,
          member.type,
          member.body,
        )
      : member,
  )
  return factory.updateClassDeclaration(
    node,
    plain(node.modifiers),
    node.name,
    node.typeParameters,
    node.heritageClauses,
    members,
  )
}
