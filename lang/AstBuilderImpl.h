//===- AstBuilderImpl.h - from parse tree to syntax tree --------*- C++ -*-===//
//
// Shared by AstBuilder.cpp (units, headers, statements) and AstBuilderExpr.cpp (formulas); private to the parser.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_ASTBUILDERIMPL_H
#define GRADUS_LANG_ASTBUILDERIMPL_H

#include "lang/AstBuilder.h"

namespace gradus {

/// One method per rule of the grammar. All trees are whole: the parser had no error.
class AstBuilder {
public:
  explicit AstBuilder(std::span<const Token> tokens) : tokens(tokens) {}

  ast::UnitPtr buildUnit(GradusParser::UnitContext &context);

private:
  using P = GradusParser;

  // Places and names.
  Location locOf(const antlr4::ParserRuleContext &context) const;
  Location locOf(const antlr4::Token *word) const { return tokens[word->getStartIndex()].loc; }
  ast::Ident ident(antlr4::tree::TerminalNode *word) const { return ident(word->getSymbol()); }
  ast::Ident ident(P::NameContext &context) const { return ident(context.getStart()); }
  ast::Ident ident(const antlr4::Token *word) const;
  std::vector<ast::Ident> idents(P::NamesContext *context) const;
  std::string textOf(antlr4::tree::TerminalNode *word) const;

  // Units.
  ast::UnitPtr build(P::FunctionUnitContext &context);
  ast::UnitPtr build(P::RuleUnitContext &context);
  ast::UnitPtr build(P::TrainUnitContext &context);
  ast::UnitPtr build(P::TestUnitContext &context);
  ast::UnitPtr build(P::ImportUnitContext &context);
  ast::UnitPtr build(P::ConstUnitContext &context);
  ast::Objective buildObjective(P::ObjectiveContext &context);
  ast::Group buildGroup(P::GroupContext &context);
  ast::CustomDerivative buildDerivative(P::DerivativeContext &context);

  // Headers and types.
  ast::Dim buildDim(P::DimContext &context);
  ast::Storage buildStorage(P::StorageContext &context);
  std::optional<ast::Type> buildType(P::TypeContext *context);
  ast::Param buildParam(P::ParamContext &context);
  std::vector<ast::Param> buildParams(P::ParamsContext &context);
  ast::Body buildBody(P::DefContext &context);

  // Statements.
  ast::Block buildBlock(P::BlockContext &context);
  ast::StmtPtr buildStmt(P::StmtContext &context);
  ast::Decl buildDecl(P::DeclContext &context);
  ast::Target buildTarget(P::TargetContext &context);
  ast::StmtPtr build(P::ConstStmtContext &context);
  ast::StmtPtr build(P::ParamStmtContext &context);
  ast::StmtPtr build(P::GradStmtContext &context);
  ast::StmtPtr build(P::StoreStmtContext &context);
  ast::StmtPtr build(P::DrawStmtContext &context);
  ast::StmtPtr build(P::FnStmtContext &context);
  ast::StmtPtr build(P::LocalStmtContext &context);
  ast::StmtPtr build(P::AssignStmtContext &context);
  ast::StmtPtr build(P::EveryStmtContext &context);
  ast::StmtPtr build(P::WhenStmtContext &context);
  ast::StmtPtr build(P::OnStmtContext &context);
  ast::StmtPtr build(P::LoopStmtContext &context);
  ast::StmtPtr build(P::EmitStmtContext &context);
  ast::StmtPtr build(P::ReturnStmtContext &context);
  ast::StmtPtr build(P::ExpectStmtContext &context);
  ast::StmtPtr build(P::SolvesStmtContext &context);

  // Subscripts and arguments.
  std::vector<ast::Subscript> buildSubs(P::SubsContext *context);
  std::vector<ast::Argument> buildArgs(P::ArgsContext *context);

  // Formulas, one method per level of binding.
  std::vector<ast::ExprPtr> buildAll(const std::vector<P::ExprContext *> &contexts);
  ast::ExprPtr buildOptional(P::ExprContext *context) { return context ? build(*context) : nullptr; }
  ast::ExprPtr build(P::RhsContext &context);
  ast::ExprPtr buildBy(ast::ExprPtr problem, P::ByContext &context);
  ast::ExprPtr build(P::ExprContext &context);
  ast::ExprPtr build(P::IfExprContext &context);
  ast::ExprPtr build(P::LambdaExprContext &context);
  ast::ExprPtr build(P::RangeExprContext &context);
  ast::ExprPtr build(P::DisjunctionContext &context);
  ast::ExprPtr build(P::ConjunctionContext &context);
  ast::ExprPtr build(P::NegationContext &context);
  ast::ExprPtr build(P::ComparisonContext &context);
  ast::ExprPtr build(P::SumContext &context);
  ast::ExprPtr build(P::ProductContext &context);
  ast::ExprPtr build(P::UnaryContext &context);
  ast::ExprPtr build(P::PowerContext &context);
  ast::ExprPtr build(P::PostfixContext &context);
  ast::ExprPtr build(P::SetContext &context);
  ast::ExprPtr buildTrailer(ast::ExprPtr base, P::TrailerContext &context);
  ast::ExprPtr build(P::PrimaryContext &context);
  ast::ExprPtr build(P::NumberContext &context);
  ast::ExprPtr build(P::TextContext &context);
  ast::ExprPtr build(P::TruthContext &context);
  ast::ExprPtr build(P::PlainNameContext &context);
  ast::ExprPtr build(P::PrimedNameContext &context);
  ast::ExprPtr build(P::ParensContext &context);
  ast::ExprPtr build(P::ListContext &context);
  ast::ExprPtr build(P::DerivativeOfContext &context);
  ast::ExprPtr build(P::TotalDerivativeContext &context);
  ast::ExprPtr build(P::LikeNameContext &context);
  ast::ExprPtr makeName(const antlr4::Token *word);

  /// A run `a op b op c`, built to the left.
  template <typename Context, typename Operand>
  ast::ExprPtr buildChain(Context &context, const std::vector<Operand *> &operands);

  /// Builds a labelled alternative of a rule by its dynamic type.
  template <typename Result, typename... Alternatives, typename Context> Result dispatch(Context &context) {
    Result result;
    auto tryOne = [&](auto *alternative) {
      if (alternative)
        result = build(*alternative);
      return alternative != nullptr;
    };
    (tryOne(dynamic_cast<Alternatives *>(&context)) || ...);
    return result;
  }

  std::span<const Token> tokens;
};

} // namespace gradus

#endif // GRADUS_LANG_ASTBUILDERIMPL_H
