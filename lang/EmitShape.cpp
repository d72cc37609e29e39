//===- EmitShape.cpp - Declared shapes --------------------------------------===//
//
// A declared shape is a pattern: a fresh dimension name takes the size that it meets, and a known one must agree. Dimension
// names are bound before dimension formulas are checked, in whatever order they stand.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Attribute;
using mlir::IntegerAttr;

/// The name that a dimension consists of, or null.
static const ast::Name *nameOf(const ast::Dim &dim) { return dim.size ? dyn_cast<ast::Name>(dim.size.get()) : nullptr; }

/// A name that nothing has declared.
static bool isFreeName(const ast::Name &name, Scope &scope) {
  return !name.primed && !findBuiltin(name.name) && !scope.findDim(name.name) && !scope.find(name.name);
}

static std::optional<DimExpr> constantFormula(mlir::Value value) {
  if (std::optional<int64_t> whole = Algebra::constantIntOf({{value}}))
    return DimExpr::number(*whole);
  std::optional<double> number = Algebra::constantOf({{value}});
  bool isWhole = number && std::abs(*number) < 0x1p53 && *number == std::floor(*number);
  return isWhole ? std::optional(DimExpr::number(static_cast<int64_t>(*number))) : std::nullopt;
}

/// The formula of sizes that a whole number is. What else it may be is known when the code runs: it is a symbol of its own if `unknowns`
/// is given, else there is no formula.
std::optional<DimExpr> Elaborator::formulaOf(mlir::Value value, llvm::DenseMap<mlir::Value, unsigned> *unknowns) {
  auto unknown = [&]() -> std::optional<DimExpr> {
    if (!unknowns)
      return std::nullopt;
    unsigned number = unknowns->try_emplace(value, unknowns->size()).first->second;
    return DimExpr::symbol("v" + std::to_string(number) + unknownSuffix.str());
  };
  mlir::Operation *op = value.getDefiningOp();
  if (!op)
    return unknown();
  if (llvm::isa<ConstantOp>(op))
    return constantFormula(value);
  if (auto dim = dyn_cast<DimOp>(op))
    return DimExpr::parse(dim.getSymbol());
  bool isConversion = llvm::isa<StopOp>(op) || (llvm::isa<CastOp>(op) && !(typeOf(op->getOperand(0)).isFloat() && !typeOf(value).isFloat()));
  if (isConversion)
    return formulaOf(op->getOperand(0), unknowns);
  if (llvm::isa<NegOp>(op)) {
    std::optional<DimExpr> x = formulaOf(op->getOperand(0), unknowns);
    return x ? std::optional(DimExpr::number(0) - *x) : std::nullopt;
  }
  if (!llvm::isa<AddOp, SubOp, MulOp, DivOp, IntDivOp, MinOp, MaxOp>(op))
    return unknown();
  std::optional<DimExpr> a = formulaOf(op->getOperand(0), unknowns), b = formulaOf(op->getOperand(1), unknowns);
  if (!a || !b)
    return std::nullopt;
  DimExpr result = llvm::TypeSwitch<mlir::Operation *, DimExpr>(op)
                       .Case<AddOp>([&](auto) { return *a + *b; })
                       .Case<DivOp>([&](auto) { return *a / *b; })
                       .Case<IntDivOp>([&](auto) { return DimExpr::floorDiv(*a, *b); })
                       .Case<MaxOp>([&](auto) { return DimExpr::max(*a, *b); })
                       .Case<MinOp>([&](auto) { return DimExpr::min(*a, *b); })
                       .Case<MulOp>([&](auto) { return *a * *b; })
                       .Default([&](auto) { return *a - *b; });
  return result.isValid() || !unknowns ? result : *unknown();
}

/// The size that an expression is. The operations that it leaves behind are dead.
std::optional<DimExpr> Elaborator::sizeOf(const ast::Expr &expr, size_t lane, Scope &scope) {
  Array value = evalArray(expr, scope);
  if (value.isPoison())
    return std::nullopt;
  std::optional<DimExpr> size = isScalar(value) ? formulaOf(value.lane(activeLane.value_or(lane))) : std::nullopt;
  if (!size && !constantOf(value)) {
    error(Code::NotConstant, expr.loc, "a size must be known before the first step, but this is a value of the step")
        .suggest("make it of numbers, dimension names and 'size' parameters by +, -, *, div, min and max");
    return std::nullopt;
  }
  std::optional<int64_t> number = size ? size->getNumber() : std::nullopt;
  if (!size || !size->isValid() || (size->getSymbols().empty() && !number)) {
    error(Code::SizeNotWhole, expr.loc, "this is no size: it is not whole, too large, or divided by what is no positive number")
        .suggest("divide by a positive number; div(a, b) rounds down");
    return std::nullopt;
  }
  return size;
}

/// The dimension that an expression is, which must not be negative.
Attribute Elaborator::dimOf(const ast::Expr &expr, Scope &scope) {
  std::optional<DimExpr> size = sizeOf(expr, 0, scope);
  Attribute dim = size ? size->toAttr(builder.getContext()) : Attribute();
  return dim && checkSize(dim, expr.loc) ? dim : Attribute();
}

bool Elaborator::checkSize(llvm::ArrayRef<Attribute> shape, Location at) {
  int64_t total = 8; // bytes of the widest element
  for (Attribute dim : shape) {
    auto size = dyn_cast<IntegerAttr>(dim);
    if (size && size.getInt() < 0) {
      error(Code::DimensionOverflow, at, "a dimension is negative");
      return false;
    }
    if (size && size.getInt() > 0 && __builtin_mul_overflow(total, size.getInt(), &total)) {
      error(Code::DimensionOverflow, at, "an array of the shape " + describe(shape) + " has more bytes than 2^63");
      return false;
    }
  }
  if (shape.size() <= 8)
    return true;
  error(Code::RankMismatch, at, "an array has at most 8 axes, but here are " + std::to_string(shape.size()));
  return false;
}

Attribute Elaborator::evalDim(const ast::Dim &dim, size_t lane, Scope &scope, bool mayDeclare) {
  if (const ast::Name *name = nameOf(dim)) {
    if (const DimBinding *known = scope.findDim(name->name))
      return known->lane(activeLane.value_or(lane));
    const Binding *value = scope.findLocal(name->name);
    const Constant *constant = value ? nullptr : findConstant(name->name, scope);
    if (constant)
      return sizeOfConstant(*constant, dim.loc);
    if (value) {
      if (value->entity.isPoison())
        return {};
      if (value->entity.isArray())
        if (std::optional<int64_t> size = constantIntOf(value->entity.array()))
          return builder.getI64IntegerAttr(*size);
    } else if (mayDeclare) {
      Attribute symbol = builder.getStringAttr(name->name);
      scope.setDim(name->name, {{symbol}, name->loc});
      return symbol;
    }
    bool isSize = currentRun && llvm::any_of(currentRun->call->rule->params, [&](const ast::Param &param) { return param.isSize && param.name.name == name->name; });
    error(Code::UnknownDimension, dim.loc, isSize ? "nothing tells the size '" + name->name + "' yet" : "unknown dimension '" + name->name + "'")
        .suggest(isSize ? "give it a value in the call, or begin with what has it: state l: [" + name->name + "] = f[each](w)"
                        : "a dimension is known once it stands in the shape of an argument");
    return {};
  }
  if (mayDeclare)
    forEachExpr(*dim.size, [&](const ast::Expr &inner) {
      auto *name = dyn_cast<ast::Name>(&inner);
      if (name && isFreeName(*name, scope))
        scope.setDim(name->name, {{builder.getStringAttr(name->name)}, name->loc});
    });
  std::optional<DimExpr> size = sizeOf(*dim.size, lane, scope);
  return size ? size->toAttr(builder.getContext()) : Attribute();
}

std::optional<Shape> Elaborator::evalShape(const ast::Type &type, size_t lane, Scope &scope, bool mayDeclare) {
  Shape shape(type.dims.size());
  bool isSound = true;
  for (const ast::Dim &dim : llvm::ArrayRef(type.dims).drop_back(!type.dims.empty()))
    if (dim.trailing) {
      error(Code::FoldedDimension, dim.loc, "'" + dim.trailing->name + "..' stands for all axes from here on, so nothing may stand behind it").suggest("let it stand last: [p, q..]");
      return std::nullopt;
    }
  // Names first, so that a formula may use a name that stands behind it.
  for (bool isFormula : {false, true})
    for (auto [axis, dim] : llvm::enumerate(type.dims))
      if (isFormula == (nameOf(dim) == nullptr)) {
        shape[axis] = evalDim(dim, lane, scope, mayDeclare);
        isSound &= shape[axis] != nullptr;
      }
  if (!isSound || !checkSize(shape, type.loc))
    return std::nullopt;
  return shape;
}

bool Elaborator::bindDim(const ast::Dim &dim, const Array &x, size_t axis, llvm::StringRef name, Location at, Scope &inner) {
  const ast::Name *symbol = nameOf(dim);
  if (symbol && !inner.findDim(symbol->name) && !inner.findLocal(symbol->name) && !findConstant(symbol->name, inner)) {
    DimBinding binding{{}, at};
    for (size_t k = 0; k < x.lanes.size(); ++k)
      binding.lanes.push_back(ownShape(x, k)[axis]);
    if (llvm::all_equal(binding.lanes))
      binding.lanes.resize(1);
    inner.setDim(symbol->name, std::move(binding));
    return true;
  }
  for (size_t k = 0; k < x.lanes.size(); ++k) {
    Attribute expected = evalDim(dim, k, inner, /*mayDeclare=*/false), actual = ownShape(x, k)[axis];
    if (!expected)
      return false;
    if (expected == actual)
      continue;
    if (!symbol) {
      error(Code::DimensionConflict, at, "axis " + std::to_string(axis) + " of '" + name.str() + "' must have the size " + describe(expected) +
                                             ", but has " + describe(actual))
          .note(dim.loc, "its size is declared here");
      return false;
    }
    const DimBinding *known = inner.findDim(symbol->name);
    const Constant *constant = known ? nullptr : findConstant(symbol->name, inner);
    Diagnostic &diagnostic = error(Code::DimensionConflict, at, "'" + symbol->name + "' is " + describe(actual) + " here, in axis " +
                                                                    std::to_string(axis) + " of '" + name.str() + "', and " +
                                                                    describe(expected) + " elsewhere");
    if (known || constant)
      diagnostic.note(known ? known->loc : constant->decl->loc, "'" + symbol->name + "' is " + describe(expected) + " here");
    return false;
  }
  return true;
}

/// Tells a name that stands in a formula alone from the size of the axis: T is 4 - 1 where [T + 1] meets 4.
bool Elaborator::solveDim(const ast::Dim &dim, const Array &x, size_t axis, llvm::StringRef name, Location at, Scope &inner) {
  std::vector<const ast::Name *> unknown;
  forEachExpr(*dim.size, [&](const ast::Expr &expr) {
    auto *free = dyn_cast<ast::Name>(&expr);
    if (free && isFreeName(*free, inner) && llvm::none_of(unknown, [&](const ast::Name *other) { return other->name == free->name; }))
      unknown.push_back(free);
  });
  if (unknown.empty())
    return true;
  auto cannotTell = [&] {
    error(Code::SizeNotTold, dim.loc, "the size of axis " + std::to_string(axis) + " of '" + name.str() + "' does not tell '" + unknown[0]->name + "'" +
                                          (unknown.size() > 1 ? " and '" + unknown[1]->name + "'" : ""))
        .suggest("let '" + unknown[0]->name + "' stand alone at an axis of another argument, before this one");
    return false;
  };
  if (unknown.size() > 1)
    return cannotTell();
  // The name is a symbol that nobody else can have, until the formula is solved for it.
  std::string symbol = unknown[0]->name + ".solved";
  DimBinding binding{{}, at};
  for (size_t k = 0; k < x.lanes.size(); ++k) {
    Scope *trial = arena.scope(&inner);
    trial->setDim(unknown[0]->name, {{builder.getStringAttr(symbol)}, at});
    std::optional<DimExpr> formula = sizeOf(*dim.size, k, *trial);
    if (!formula)
      return false;
    std::optional<DimExpr> solution = formula->solve(symbol, DimExpr::of(ownShape(x, k)[axis]));
    if (!solution || !solution->isValid())
      return cannotTell();
    bool isNumber = solution->getSymbols().empty();
    if (isNumber && solution->getNumber().value_or(-1) < 0) {
      error(Code::DimensionConflict, at, "axis " + std::to_string(axis) + " of '" + name.str() + "' has the size " + describe(ownShape(x, k)[axis]) +
                                             ", which its formula is for no size '" + unknown[0]->name + "'")
          .note(dim.loc, "the formula stands here");
      return false;
    }
    binding.lanes.push_back(solution->toAttr(builder.getContext()));
  }
  if (llvm::all_equal(binding.lanes))
    binding.lanes.resize(1);
  inner.setDim(unknown[0]->name, std::move(binding));
  return true;
}

/// [p, q..] takes arrays of more axes, too: those from the last one declared on become one. Rows stay rows, so that nothing is moved.
Array Elaborator::foldTrailing(const ast::Type &type, const Array &x, Location at) {
  const size_t rank = type.dims.size();
  if (x.isPoison() || rank == 0 || !type.dims.back().trailing)
    return x;
  return eachTensor(x, [&](const Array &one, size_t) -> Array {
    Shape shape(ownShape(one));
    if (shape.size() <= rank)
      return one;
    DimExpr rest = DimExpr::number(1);
    for (Attribute dim : llvm::ArrayRef(shape).drop_front(rank - 1))
      rest = rest * DimExpr::of(dim);
    shape.resize(rank);
    shape.back() = rest.toAttr(builder.getContext());
    return checkSize(shape, at) ? reshaped(one, shape, at) : Array();
  });
}

bool Elaborator::bindShape(const ast::Type &type, const Array &x, llvm::StringRef name, Location at, Scope &inner) {
  for (size_t k = 0; k < x.lanes.size(); ++k) {
    if (ownShape(x, k).size() == type.dims.size())
      continue;
    error(Code::RankMismatch, at, "'" + name.str() + "' has " + counted(type.dims.size(), "axis", "axes") + ", but this has the shape " +
                                      describe(ownShape(x, k)))
        .note(type.loc, "the shape of '" + name.str() + "' is declared here");
    return false;
  }
  for (bool isFormula : {false, true})
    for (auto [axis, dim] : llvm::enumerate(type.dims))
      if (isFormula == (nameOf(dim) == nullptr) &&
          ((isFormula && dim.size && !solveDim(dim, x, axis, name, at, inner)) || !bindDim(dim, x, axis, name, at, inner)))
        return false;
  return true;
}
