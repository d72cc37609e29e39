//===- AstBuilderExpr.cpp - formulas --------------------------------------===//

#include "lang/AstBuilderImpl.h"

#include <cstdlib>

using namespace gradus;
using namespace gradus::ast;

//===----------------------------------------------------------------------===//
// Subscripts and arguments
//===----------------------------------------------------------------------===//

std::vector<Subscript> AstBuilder::buildSubs(P::SubsContext *context) {
  std::vector<Subscript> subscripts;
  if (!context)
    return subscripts;
  for (P::SubContext *sub : context->sub()) {
    Subscript result;
    result.loc = locOf(*sub);
    if (sub->COLON()) {
      result.kind = SubKind::Slice;
      result.from = buildOptional(sub->from_);
      result.to = buildOptional(sub->to);
    } else if (sub->DOTS()) {
      result.kind = SubKind::Rest;
    } else {
      result.kind = sub->EQUALS() ? SubKind::Named : SubKind::Value;
      if (sub->name())
        result.name = ident(*sub->name());
      result.value = build(*sub->value);
    }
    subscripts.push_back(std::move(result));
  }
  return subscripts;
}

std::vector<Argument> AstBuilder::buildArgs(P::ArgsContext *context) {
  std::vector<Argument> arguments;
  if (!context)
    return arguments;
  for (P::ArgContext *arg : context->arg()) {
    Argument result;
    result.loc = locOf(*arg);
    result.isElse = arg->ELSE() != nullptr;
    if (arg->name())
      result.name = ident(*arg->name());
    result.value = build(*arg->expr());
    arguments.push_back(std::move(result));
  }
  return arguments;
}

std::vector<ExprPtr> AstBuilder::buildAll(const std::vector<P::ExprContext *> &contexts) {
  std::vector<ExprPtr> values;
  for (P::ExprContext *context : contexts)
    values.push_back(build(*context));
  return values;
}

//===----------------------------------------------------------------------===//
// Operators, weakest first
//===----------------------------------------------------------------------===//

ExprPtr AstBuilder::build(P::RhsContext &context) {
  ExprPtr value = build(*context.expr());
  return context.by() ? buildBy(std::move(value), *context.by()) : std::move(value);
}

ExprPtr AstBuilder::buildBy(ExprPtr problem, P::ByContext &context) {
  auto by = std::make_unique<By>(spanning(problem->loc, locOf(context)));
  by->problem = std::move(problem);
  by->method = build(*context.postfix());
  by->from = buildOptional(context.source);
  by->within = buildOptional(context.tolerance);
  by->limit = buildOptional(context.bound);
  if (P::WayContext *way = context.way()) {
    by->way.emplace();
    by->way->loc = locOf(*way);
    if (way->postfix())
      by->way->method = build(*way->postfix());
    else if (way->ID())
      by->way->word = ident(way->ID());
    by->way->within = buildOptional(way->tolerance);
    by->way->limit = buildOptional(way->bound);
    by->way->slot = buildSubs(way->subs());
  }
  return by;
}

ExprPtr AstBuilder::build(P::ExprContext &context) {
  return dispatch<ExprPtr, P::IfExprContext, P::LambdaExprContext, P::RangeExprContext>(context);
}

ExprPtr AstBuilder::build(P::IfExprContext &context) {
  auto choice = std::make_unique<If>(locOf(context));
  choice->condition = build(*context.expr(0));
  choice->thenValue = build(*context.expr(1));
  choice->elseValue = build(*context.expr(2));
  return choice;
}

ExprPtr AstBuilder::build(P::LambdaExprContext &context) {
  auto lambda = std::make_unique<Lambda>(locOf(context));
  lambda->parameter = ident(*context.name());
  lambda->body = build(*context.expr());
  return lambda;
}

ExprPtr AstBuilder::build(P::RangeExprContext &context) {
  if (!context.DOTS())
    return build(*context.disjunction(0));
  auto range = std::make_unique<Range>(locOf(context));
  range->from = build(*context.disjunction(0));
  range->to = build(*context.disjunction(1));
  return range;
}

static BinaryOp binaryOp(size_t kind) {
  switch (kind) {
  case GradusParser::OR:
    return BinaryOp::Or;
  case GradusParser::AND:
    return BinaryOp::And;
  case GradusParser::PLUS:
    return BinaryOp::Add;
  case GradusParser::MINUS:
    return BinaryOp::Sub;
  case GradusParser::STAR:
    return BinaryOp::Mul;
  case GradusParser::SLASH:
    return BinaryOp::Div;
  case GradusParser::AT:
    return BinaryOp::MatMul;
  case GradusParser::PERCENT:
    return BinaryOp::Mod;
  default:
    return BinaryOp::Pow;
  }
}

template <typename Context, typename Operand>
ExprPtr AstBuilder::buildChain(Context &context, const std::vector<Operand *> &operands) {
  ExprPtr result = build(*operands.front());
  for (size_t i = 1; i < operands.size(); ++i) {
    // Children alternate: operand, operator, operand, ...
    auto *op = static_cast<antlr4::tree::TerminalNode *>(context.children[2 * i - 1])->getSymbol();
    ExprPtr rhs = build(*operands[i]);
    auto binary = std::make_unique<Binary>(spanning(result->loc, rhs->loc));
    binary->op = binaryOp(op->getType());
    binary->opLoc = locOf(op);
    binary->lhs = std::move(result);
    binary->rhs = std::move(rhs);
    result = std::move(binary);
  }
  return result;
}

ExprPtr AstBuilder::build(P::DisjunctionContext &context) { return buildChain(context, context.conjunction()); }

ExprPtr AstBuilder::build(P::ConjunctionContext &context) { return buildChain(context, context.negation()); }

ExprPtr AstBuilder::build(P::SumContext &context) { return buildChain(context, context.product()); }

ExprPtr AstBuilder::build(P::ProductContext &context) { return buildChain(context, context.unary()); }

ExprPtr AstBuilder::build(P::NegationContext &context) {
  if (!context.NOT())
    return build(*context.comparison());
  auto negation = std::make_unique<Unary>(locOf(context));
  negation->op = UnaryOp::Not;
  negation->operand = build(*context.negation());
  return negation;
}

static CompareOp compareOp(size_t kind) {
  switch (kind) {
  case GradusParser::LESS:
    return CompareOp::Lt;
  case GradusParser::GREATER:
    return CompareOp::Gt;
  case GradusParser::LESS_EQUAL:
    return CompareOp::Le;
  case GradusParser::GREATER_EQUAL:
    return CompareOp::Ge;
  case GradusParser::EQUAL_EQUAL:
    return CompareOp::Eq;
  case GradusParser::NOT_EQUAL:
    return CompareOp::Ne;
  default:
    return CompareOp::Near;
  }
}

ExprPtr AstBuilder::build(P::ComparisonContext &context) {
  std::vector<P::SumContext *> operands = context.sum();
  if (operands.size() == 1)
    return build(*operands.front());
  auto compare = std::make_unique<Compare>(locOf(context));
  for (size_t i = 0; i < operands.size(); ++i) {
    compare->operands.push_back(build(*operands[i]));
    if (i == 0)
      continue;
    auto *op = static_cast<antlr4::tree::TerminalNode *>(context.children[2 * i - 1])->getSymbol();
    compare->ops.push_back(compareOp(op->getType()));
    compare->opLocs.push_back(locOf(op));
  }
  return compare;
}

ExprPtr AstBuilder::build(P::UnaryContext &context) {
  if (!context.unary())
    return build(*context.power());
  auto unary = std::make_unique<Unary>(locOf(context));
  unary->op = context.MINUS() ? UnaryOp::Neg : UnaryOp::Plus;
  unary->operand = build(*context.unary());
  return unary;
}

ExprPtr AstBuilder::build(P::PowerContext &context) {
  ExprPtr base = build(*context.postfix());
  if (!context.CARET())
    return base;
  auto power = std::make_unique<Binary>(locOf(context));
  power->op = BinaryOp::Pow;
  power->opLoc = locOf(context.CARET()->getSymbol());
  power->lhs = std::move(base);
  power->rhs = build(*context.unary());
  return power;
}

ExprPtr AstBuilder::build(P::PostfixContext &context) {
  ExprPtr result = build(*context.primary());
  for (P::TrailerContext *trailer : context.trailer())
    result = buildTrailer(std::move(result), *trailer);
  return result;
}

ExprPtr AstBuilder::build(P::SetContext &context) {
  Ident called = ident(*context.name());
  auto name = std::make_unique<Name>(called.loc);
  name->name = std::move(called.name);
  if (!context.LPAREN())
    return name;
  auto call = std::make_unique<Call>(spanning(name->loc, locOf(context)));
  call->callee = std::move(name);
  call->arguments = buildArgs(context.args());
  return call;
}

ExprPtr AstBuilder::buildTrailer(ExprPtr base, P::TrailerContext &context) {
  Location loc = spanning(base->loc, locOf(context));
  if (context.LPAREN()) {
    auto call = std::make_unique<Call>(loc);
    call->callee = std::move(base);
    call->arguments = buildArgs(context.args());
    return call;
  }
  if (context.LBRACKET()) {
    auto index = std::make_unique<Index>(loc);
    index->base = std::move(base);
    index->subscripts = buildSubs(context.subs());
    return index;
  }
  auto member = std::make_unique<Member>(loc);
  member->base = std::move(base);
  member->member = ident(context.member_);
  return member;
}

//===----------------------------------------------------------------------===//
// Primaries
//===----------------------------------------------------------------------===//

ExprPtr AstBuilder::build(P::PrimaryContext &context) {
  return dispatch<ExprPtr, P::NumberContext, P::TextContext, P::TruthContext, P::PlainNameContext, P::PrimedNameContext,
                  P::ParensContext, P::ListContext, P::DerivativeOfContext, P::TotalDerivativeContext,
                  P::LikeNameContext>(context);
}

ExprPtr AstBuilder::build(P::NumberContext &context) {
  auto number = std::make_unique<Number>(locOf(context));
  number->text = tokens[context.getStart()->getStartIndex()].text;
  number->isInteger = number->text.find_first_of(".eE") == std::string::npos;
  number->value = std::strtod(number->text.c_str(), nullptr);
  if (number->isInteger)
    number->integer = std::strtoll(number->text.c_str(), nullptr, 10);
  return number;
}

ExprPtr AstBuilder::build(P::TextContext &context) {
  auto text = std::make_unique<String>(locOf(context));
  text->value = textOf(context.STR());
  return text;
}

ExprPtr AstBuilder::build(P::TruthContext &context) {
  auto truth = std::make_unique<Bool>(locOf(context));
  truth->value = context.TRUE_WORD() != nullptr;
  return truth;
}

ExprPtr AstBuilder::makeName(const antlr4::Token *word) {
  Ident written = ident(word);
  auto name = std::make_unique<Name>(written.loc);
  name->name = std::move(written.name);
  name->primed = written.primed;
  return name;
}

ExprPtr AstBuilder::build(P::PlainNameContext &context) { return makeName(context.getStart()); }

ExprPtr AstBuilder::build(P::PrimedNameContext &context) { return makeName(context.getStart()); }

ExprPtr AstBuilder::build(P::ParensContext &context) {
  std::vector<ExprPtr> elements = buildAll(context.expr());
  if (elements.size() > 1) {
    auto tuple = std::make_unique<Tuple>(locOf(context));
    tuple->elements = std::move(elements);
    return tuple;
  }
  ExprPtr inner = std::move(elements.front());
  if (context.by())
    inner = buildBy(std::move(inner), *context.by());
  inner->parenthesized = true;
  // A diagnostic about the whole operand should underline the parentheses too.
  inner->loc = locOf(context);
  return inner;
}

ExprPtr AstBuilder::build(P::ListContext &context) {
  auto list = std::make_unique<List>(locOf(context));
  list->elements = buildAll(context.expr());
  if (context.ID())
    list->like = ident(context.ID());
  return list;
}

template <typename Context>
static DerivativeKind kindOf(Context &context) {
  return context.GRAD() ? DerivativeKind::Grad : context.HESS() ? DerivativeKind::Hess : DerivativeKind::Jac;
}

ExprPtr AstBuilder::build(P::DerivativeOfContext &context) {
  auto derivative = std::make_unique<Derivative>(locOf(context));
  derivative->derivative = kindOf(context);
  derivative->slots = idents(context.names());
  derivative->function = ident(*context.name());
  derivative->selection = buildSubs(context.subs());
  derivative->arguments = buildArgs(context.args());
  return derivative;
}

ExprPtr AstBuilder::build(P::TotalDerivativeContext &context) {
  auto derivative = std::make_unique<TotalDerivative>(locOf(context));
  derivative->derivative = kindOf(context);
  derivative->variables = idents(context.names());
  derivative->value = build(*context.expr());
  return derivative;
}

ExprPtr AstBuilder::build(P::LikeNameContext &context) {
  auto like = std::make_unique<Like>(locOf(context));
  like->name = ident(context.ID());
  return like;
}
