//===- AstBuilder.h - from parse tree to syntax tree ------------*- C++ -*-===//
//
// Private to the parser: the only header besides ANTLR's own that names its types.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_ASTBUILDER_H
#define GRADUS_LANG_ASTBUILDER_H

#include "lang/Ast.h"
#include "lang/Tokens.h"

#include "GradusParser.h"

#include <span>

namespace gradus {

/// Builds one unit from a parse tree without errors; the parser's tokens carry their place in `tokens`.
ast::UnitPtr buildUnit(GradusParser::UnitContext &context, std::span<const Token> tokens);

} // namespace gradus

#endif // GRADUS_LANG_ASTBUILDER_H
