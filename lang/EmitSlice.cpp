//===- EmitSlice.cpp - Slices --------------------------------------------------===//
//
// x[a:b]: its size must be known, its start need not be.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using mlir::Attribute;
using mlir::Value;

/// A bound of a slice: a size, or a number known when the code runs. One below 0 counts from the end of the axis.
std::optional<Elaborator::SliceBound> Elaborator::readBound(const ast::Expr &expr, Attribute whole, Scope &scope, llvm::DenseMap<Value, unsigned> &unknowns) {
  Array value = evalScalar(expr, scope, "a bound of a slice");
  if (value.isPoison())
    return std::nullopt;
  if (kindOf(value) != Kind::Int) {
    error(Code::SubscriptKind, expr.loc, "a bound of a slice must be an integer");
    return std::nullopt;
  }
  value = toKind(sliceLane(value), Kind::Int, expr.loc);
  std::optional<DimExpr> size = formulaOf(value.lanes.front(), &unknowns);
  if (!size || !size->isValid()) {
    error(Code::SizeNotWhole, expr.loc, "this is no place in an axis");
    return std::nullopt;
  }
  DimExpr negated = DimExpr::number(0) - *size;
  if (!size->getTerms().empty() && negated.isNeverNegative()) {
    Array end{{sizeOf(whole, expr.loc)}};
    return SliceBound{DimExpr::of(whole) + *size, add(end, value, expr.loc)};
  }
  return SliceBound{*size, value};
}

/// x[a:b]: its size must be known, its start need not be.
bool Elaborator::readSlice(const ast::Subscript &sub, Attribute whole, Scope &scope, Slot &slot) {
  slot.size = whole;
  slot.isWhole = !sub.to && !sub.from;
  slot.isInside = true;
  if (slot.isWhole)
    return true;
  llvm::DenseMap<Value, unsigned> unknowns;
  std::optional<SliceBound> first = SliceBound{DimExpr::number(0), {}}, end = SliceBound{DimExpr::of(whole), {}};
  if (sub.from)
    first = readBound(*sub.from, whole, scope, unknowns);
  if (sub.to)
    end = first ? readBound(*sub.to, whole, scope, unknowns) : std::nullopt;
  if (!first || !end)
    return false;
  DimExpr length = end->size - first->size, left = DimExpr::of(whole) - end->size;
  auto isNegative = [](const DimExpr &size) { return size.getNumber().value_or(0) < 0; };
  if (isNegative(length) || isNegative(left) || isNegative(first->size)) {
    error(Code::IndexOutOfRange, sub.loc, "the slice leaves an axis of size " + describe(whole));
    return false;
  }
  if (llvm::any_of(length.getSymbols(), [](const std::string &symbol) { return llvm::StringRef(symbol).ends_with(unknownSuffix); })) {
    error(Code::NotConstant, sub.loc, "the size of a slice must be known before the first step, but both bounds are values of the step")
        .suggest("give it a known length: x[k:k + 3]");
    return false;
  }
  if (first->size.getNumber() != 0)
    slot.start = first->value;
  slot.isWhole = left.getNumber() == 0 && first->size.getNumber() == 0;
  slot.isInside = first->size.isNeverNegative() && left.isNeverNegative() &&
                  llvm::none_of(first->size.getSymbols(), [](const std::string &symbol) { return llvm::StringRef(symbol).ends_with(unknownSuffix); });
  slot.size = length.toAttr(builder.getContext());
  return true;
}
