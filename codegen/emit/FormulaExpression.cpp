//===- FormulaExpression.cpp - Expressions as formulas ---------------------------===//

#include "codegen/emit/FormulaWriter.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Casting.h"

using llvm::dyn_cast;
using llvm::SmallVector;
using llvm::StringRef;

namespace gradus {

using F = Formula;

/// An element of an array of zeros that gives an index its range.
bool FormulaWriter::isFrame(const ast::Expr &expr) const {
  auto *index = dyn_cast<ast::Index>(&expr);
  auto *name = index ? dyn_cast<ast::Name>(index->base.get()) : nullptr;
  return name && frames.contains(name->name);
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

Formula FormulaWriter::writeCases(const ast::Expr &condition, const ast::Expr &yes, const ast::Expr &no) {
  if (auto *compare = dyn_cast<ast::Compare>(&condition); compare && isFrame(*compare->operands.front()))
    return write(yes);
  std::vector<Formula> parts;
  parts.push_back(write(yes));
  parts.push_back(write(condition));
  Formula rest = write(no);
  if (rest.kind == F::Kind::Cases)
    parts.insert(parts.end(), rest.parts.begin(), rest.parts.end());
  else
    parts.push_back(std::move(rest));
  return F::cases(std::move(parts));
}

/// `a` and `b` with a sign between them, in brackets where they bind less.
static Formula join(Formula a, Formula sign, Formula b, F::Binding binding) {
  Formula right = b.startsWithSign() ? F::parentheses(std::move(b)) : F::wrap(std::move(b), binding + 1);
  return F::row({F::wrap(std::move(a), binding), std::move(sign), std::move(right)}, binding);
}

static bool endsWithNumber(const Formula &formula) {
  return formula.kind == F::Kind::Number || (formula.kind == F::Kind::Row && !formula.parts.empty() && endsWithNumber(formula.parts.back()));
}

/// Whether elements are multiplied in a product: what stands beside each other behind it would seem to bind tighter.
static bool multipliesElements(const Formula &formula) {
  if (formula.kind != F::Kind::Row || formula.binding != F::BindProduct)
    return false;
  return llvm::any_of(formula.parts, [](const Formula &part) { return (part.kind == F::Kind::Infix && part.text == "⊙") || multipliesElements(part); });
}

/// A number is set off by a dot, two arrays multiply their elements, all else stands side by side.
Formula FormulaWriter::writeProduct(const ast::Binary &binary, Formula a, Formula b) {
  Extent left = extentOf(*binary.lhs), right = extentOf(*binary.rhs);
  bool isOfElements = !numbersAbove && left != Extent::Number && right != Extent::Number && (left == Extent::Array || right == Extent::Array);
  bool isMixed = b.kind == F::Kind::Fraction && endsWithNumber(a); // 2 1/3 would be a mixed number
  Formula sign = isOfElements ? F::infix("⊙") : b.startsWithNumber() || isMixed ? F::infix("⋅") : F::blank();
  return join(std::move(a), std::move(sign), std::move(b), F::BindProduct);
}

Formula FormulaWriter::writeBinary(const ast::Binary &binary) {
  if (binary.op == ast::BinaryOp::Add && isFrame(*binary.lhs))
    return write(*binary.rhs);
  Formula a = write(*binary.lhs), b = write(*binary.rhs);
  switch (binary.op) {
  case ast::BinaryOp::Or:
    return join(std::move(a), F::infix("∨"), std::move(b), F::BindOr);
  case ast::BinaryOp::And:
    return join(std::move(a), F::infix("∧"), std::move(b), F::BindAnd);
  case ast::BinaryOp::Add:
    return join(std::move(a), F::infix("+"), std::move(b), F::BindSum);
  case ast::BinaryOp::Sub:
    return join(std::move(a), F::infix("−"), std::move(b), F::BindSum);
  case ast::BinaryOp::Mul:
    return writeProduct(binary, std::move(a), std::move(b));
  case ast::BinaryOp::MatMul:
    return join(multipliesElements(a) ? F::parentheses(std::move(a)) : std::move(a), F::blank(), std::move(b), F::BindProduct);
  case ast::BinaryOp::Mod: // readers disagree how tightly it binds
    return join(std::move(a), F::infix("mod"), std::move(b), F::BindProduct).bound(F::BindSum);
  case ast::BinaryOp::Div:
    return F::fraction(std::move(a), std::move(b));
  case ast::BinaryOp::Pow: {
    bool isPlain = a.binding == F::BindPrimary && !a.isRaised();
    bool hasBelow = isPlain && a.kind == F::Kind::Script; // a name with subscripts takes the power above them
    Formula base = isPlain ? std::move(a) : F::parentheses(std::move(a));
    if (hasBelow)
      base.parts[2] = std::move(b);
    else
      base = F::above(std::move(base), std::move(b));
    return std::move(base).bound(F::BindPower);
  }
  }
  return {};
}

Formula FormulaWriter::writeUnary(const ast::Unary &unary) {
  Formula operand = write(*unary.operand);
  if (unary.op == ast::UnaryOp::Plus)
    return operand;
  operand = F::wrap(std::move(operand), operand.startsWithSign() ? F::BindPrimary + 1 : F::BindProduct);
  return F::row({F::sign(unary.op == ast::UnaryOp::Neg ? "−" : "¬"), std::move(operand)}, F::BindUnary);
}

static const char *signOf(ast::CompareOp op) {
  switch (op) {
  case ast::CompareOp::Lt:
    return "<";
  case ast::CompareOp::Gt:
    return ">";
  case ast::CompareOp::Le:
    return "≤";
  case ast::CompareOp::Ge:
    return "≥";
  case ast::CompareOp::Eq:
    return "=";
  case ast::CompareOp::Ne:
    return "≠";
  case ast::CompareOp::Near:
    return "≈";
  }
  return "";
}

Formula FormulaWriter::writeCompare(const ast::Compare &compare) {
  Formula row = F::row({F::wrap(write(*compare.operands[0]), F::BindSum)}, F::BindCompare);
  for (size_t i = 0; i < compare.ops.size(); ++i) {
    row.parts.push_back(F::infix(signOf(compare.ops[i])));
    row.parts.push_back(F::wrap(write(*compare.operands[i + 1]), F::BindSum));
  }
  return row;
}

/// "1e-12" is a power of ten.
static Formula writeNumber(const ast::Number &number) {
  auto [mantissa, exponent] = StringRef(number.text).split('e');
  if (exponent.empty())
    std::tie(mantissa, exponent) = StringRef(number.text).split('E');
  if (exponent.empty())
    return F::number(number.text);
  exponent = exponent.ltrim('+');
  bool isSmall = exponent.consume_front("-");
  Formula above = isSmall ? F::row({F::sign("−"), F::number(exponent.str())}) : F::number(exponent.str());
  Formula power = F::above(F::number("10"), std::move(above));
  if (mantissa == "1")
    return std::move(power).bound(F::BindPower);
  return F::row({F::number(mantissa.str()), F::infix("⋅"), std::move(power)}, F::BindProduct);
}

//===----------------------------------------------------------------------===//
// Lists, records, derivatives, problems
//===----------------------------------------------------------------------===//

/// A list of numbers as a row, one of lists as a matrix of rows.
Formula FormulaWriter::writeList(const ast::List &list) {
  std::vector<Formula> elements;
  for (const ast::ExprPtr &element : list.elements)
    elements.push_back(write(*element));
  Formula row = F::fence("[", F::list(std::move(elements)), "]");
  return list.like ? F::row({std::move(row), F::says(" like "), writeName(list.like->name)}) : row;
}

Formula FormulaWriter::writeRange(const ast::Range &range) {
  auto *end = dyn_cast<ast::Number>(range.to.get());
  bool isKnown = end && end->isInteger;
  Formula last = isKnown ? F::number(std::to_string(end->integer - 1)) : F::row({write(*range.to), F::infix("−"), F::number("1")});
  return F::list({write(*range.from), F::sign("…"), std::move(last)});
}

/// `X.T`, and the values of a record.
Formula FormulaWriter::writeMember(const ast::Member &member) {
  Formula base = F::wrap(write(*member.base), F::BindPrimary);
  if (member.member.name == "T")
    return F::above(std::move(base), F::sign("⊤")).bound(F::BindPower);
  return F::row({std::move(base), F::sign("."), writeName(member.member.name, {}, member.member.primed)});
}

static Formula listOf(llvm::ArrayRef<ast::Ident> names, FormulaWriter &writer) {
  SmallVector<Formula> parts;
  for (const ast::Ident &name : names)
    parts.push_back(writer.writeName(name.name, {}, name.primed));
  return F::list({parts.begin(), parts.end()});
}

/// The sign of a derivative: of what is below it, if anything.
static Formula signOf(ast::DerivativeKind kind, Formula below) {
  Formula sign = kind == ast::DerivativeKind::Jac ? F::letter("J") : F::sign("∇");
  Formula above = kind == ast::DerivativeKind::Hess ? F::number("2") : F::row({});
  return below.isEmpty() && above.isEmpty() ? sign : F::script(std::move(sign), std::move(below), std::move(above));
}

/// `grad[x] f[next](x, y)`.
Formula FormulaWriter::writeDerivative(const ast::Derivative &derivative) {
  auto outerSteps = std::move(steps); // below the sign are the names of arguments
  steps.clear();
  Formula below = derivative.slots.empty() ? F::row({}) : listOf(derivative.slots, *this);
  steps = std::move(outerSteps);
  Formula function = writeName(derivative.function.name, writeSubscripts(derivative.selection));
  return F::row({signOf(derivative.derivative, std::move(below)), std::move(function), F::parentheses(writeArguments(derivative.arguments))}, F::BindUnary);
}

Formula FormulaWriter::writeTotalDerivative(const ast::TotalDerivative &derivative) {
  return F::row({signOf(derivative.derivative, listOf(derivative.variables, *this)), F::parentheses(write(*derivative.value))}, F::BindUnary);
}

/// A problem, and behind it how it is solved.
Formula FormulaWriter::writeBy(const ast::By &by) {
  Formula row = F::row({F::wrap(write(*by.problem), F::BindSum)}, F::BindCases);
  auto add = [&](const char *word, const ast::ExprPtr &value) {
    if (!value)
      return;
    row.parts.push_back(F::says(word));
    row.parts.push_back(write(*value));
  };
  add("  by ", by.method);
  add(" from ", by.from);
  add(" within ", by.within);
  add(" limit ", by.limit);
  if (!by.way)
    return row;
  if (!by.way->method) {
    row.parts.push_back(F::says(", derivative " + by.way->word.name));
    if (!by.way->slot.empty()) {
      SmallVector<Formula> slot = writeSubscripts(by.way->slot);
      row.parts.push_back(F::fence("[", F::list({slot.begin(), slot.end()}), "]"));
    }
    return row;
  }
  add(", derivative by ", by.way->method);
  add(" within ", by.way->within);
  add(" limit ", by.way->limit);
  return row;
}

//===----------------------------------------------------------------------===//
// All
//===----------------------------------------------------------------------===//

Formula FormulaWriter::writeRest(const ast::Expr &expr) {
  if (auto *list = dyn_cast<ast::List>(&expr))
    return writeList(*list);
  if (auto *range = dyn_cast<ast::Range>(&expr))
    return writeRange(*range);
  if (auto *call = dyn_cast<ast::Call>(&expr))
    return writeCall(*call);
  if (auto *derivative = dyn_cast<ast::Derivative>(&expr))
    return writeDerivative(*derivative);
  if (auto *derivative = dyn_cast<ast::TotalDerivative>(&expr))
    return writeTotalDerivative(*derivative);
  if (auto *by = dyn_cast<ast::By>(&expr))
    return writeBy(*by);
  if (auto *like = dyn_cast<ast::Like>(&expr))
    return F::row({F::says("like "), writeName(like->name.name, {}, like->name.primed)});
  if (auto *lambda = dyn_cast<ast::Lambda>(&expr)) {
    bool wasStep = steps.erase(lambda->parameter.name);
    Formula result = F::row({writeName(lambda->parameter.name), F::infix("↦"), write(*lambda->body)}, F::BindCases);
    if (wasStep)
      steps.insert(lambda->parameter.name);
    return result;
  }
  if (auto *tuple = dyn_cast<ast::Tuple>(&expr)) {
    std::vector<Formula> elements;
    for (const ast::ExprPtr &element : tuple->elements)
      elements.push_back(write(*element));
    return F::parentheses(F::list(std::move(elements)));
  }
  auto *text = dyn_cast<ast::String>(&expr);
  return F::says(text ? "“" + text->value + "”" : "…");
}

Formula FormulaWriter::write(const ast::Expr &expr) {
  if (auto *number = dyn_cast<ast::Number>(&expr))
    return writeNumber(*number);
  if (auto *truth = dyn_cast<ast::Bool>(&expr))
    return F::sign(truth->value ? "⊤" : "⊥");
  if (auto *name = dyn_cast<ast::Name>(&expr))
    return frames.contains(name->name) ? F::number("0") : writeName(name->name, {}, name->primed);
  if (isFrame(expr))
    return F::number("0");
  if (auto *unary = dyn_cast<ast::Unary>(&expr))
    return writeUnary(*unary);
  if (auto *binary = dyn_cast<ast::Binary>(&expr))
    return writeBinary(*binary);
  if (auto *compare = dyn_cast<ast::Compare>(&expr))
    return writeCompare(*compare);
  if (auto *choice = dyn_cast<ast::If>(&expr))
    return writeCases(*choice->condition, *choice->thenValue, *choice->elseValue);
  if (auto *index = dyn_cast<ast::Index>(&expr))
    return writeIndex(*index);
  if (auto *member = dyn_cast<ast::Member>(&expr))
    return writeMember(*member);
  return writeRest(expr);
}

//===----------------------------------------------------------------------===//
// What is a number, what an array
//===----------------------------------------------------------------------===//

FormulaWriter::Extent FormulaWriter::extentOf(const ast::Call &call) const {
  const ast::Expr *callee = call.callee.get();
  bool hasSlot = false, hasAxis = false;
  if (auto *index = dyn_cast<ast::Index>(callee)) {
    callee = index->base.get();
    hasSlot = true;
    for (const ast::Subscript &sub : index->subscripts) {
      auto *word = sub.kind == ast::SubKind::Value ? dyn_cast<ast::Name>(sub.value.get()) : nullptr;
      hasAxis |= sub.kind == ast::SubKind::Named || (word && (word->name == "keep" || word->name == "workers" || word->name == "neighbours"));
    }
  }
  auto *name = dyn_cast<ast::Name>(callee);
  StringRef word = name && !functions.contains(name->name) ? StringRef(name->name) : "";
  static constexpr StringRef numbers[] = {"all", "any", "argmax", "argmin", "det", "dot", "logdet", "logsumexp", "mean", "median", "norm", "norm1", "prod", "quantile", "rank", "sum", "trace"};
  bool isOfOne = call.arguments.size() == 1 && (word == "max" || word == "min");
  if ((isOfOne || llvm::is_contained(numbers, word)) && !hasAxis)
    return Extent::Number;
  static constexpr StringRef arrays[] = {"arange", "diag", "eye", "ones", "outer", "zeros"};
  if (llvm::is_contained(arrays, word))
    return Extent::Array;
  Extent extent = hasSlot ? Extent::Elements : Extent::Number;
  for (const ast::Argument &argument : call.arguments)
    extent = std::max(extent, extentOf(*argument.value));
  return extent;
}

FormulaWriter::Extent FormulaWriter::extentOf(const ast::Expr &expr) const {
  if (llvm::isa<ast::Number, ast::Bool>(&expr))
    return Extent::Number;
  if (auto *name = dyn_cast<ast::Name>(&expr)) {
    auto known = extents.find(name->name);
    return known == extents.end() ? Extent::Elements : known->second;
  }
  if (auto *unary = dyn_cast<ast::Unary>(&expr))
    return extentOf(*unary->operand);
  if (auto *binary = dyn_cast<ast::Binary>(&expr))
    return binary->op == ast::BinaryOp::MatMul ? Extent::Array : std::max(extentOf(*binary->lhs), extentOf(*binary->rhs));
  if (auto *compare = dyn_cast<ast::Compare>(&expr)) {
    Extent extent = Extent::Number;
    for (const ast::ExprPtr &operand : compare->operands)
      extent = std::max(extent, extentOf(*operand));
    return extent;
  }
  if (auto *choice = dyn_cast<ast::If>(&expr))
    return std::max(extentOf(*choice->thenValue), extentOf(*choice->elseValue));
  if (auto *index = dyn_cast<ast::Index>(&expr)) {
    auto *base = dyn_cast<ast::Name>(index->base.get());
    bool isPart = llvm::any_of(index->subscripts, [](const ast::Subscript &sub) { return sub.kind != ast::SubKind::Value; });
    bool isRow = base && ranks.lookup(base->name) > index->subscripts.size();
    return isPart ? extentOf(*index->base) : isRow ? Extent::Array : Extent::Number;
  }
  if (auto *member = dyn_cast<ast::Member>(&expr))
    return member->member.name == "T" ? Extent::Array : Extent::Elements;
  if (auto *call = dyn_cast<ast::Call>(&expr))
    return extentOf(*call);
  bool isArray = llvm::isa<ast::List, ast::Derivative, ast::TotalDerivative>(&expr);
  return isArray ? Extent::Array : Extent::Elements;
}

} // namespace gradus
