//===- EmitShape.cpp - Declared shapes --------------------------------------===//
//
// A declared shape is a pattern: a fresh dimension name takes the size that it meets, and a known one must agree. Dimension
// names are bound before dimension formulas are checked, in whatever order they stand.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Attribute;
using mlir::IntegerAttr;

/// The name that a dimension consists of, or null.
static const ast::Name *nameOf(const ast::Dim &dim) { return dim.size ? dyn_cast<ast::Name>(dim.size.get()) : nullptr; }

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
  if (dim.trailing || !dim.size) {
    notBuilt(Code::DimArithmeticNotBuilt, dim.loc, "a folded dimension", "name each axis");
    return {};
  }
  if (const ast::Name *name = nameOf(dim)) {
    if (const DimBinding *known = scope.findDim(name->name))
      return known->lane(activeLane.value_or(lane));
    if (const Binding *value = scope.findLocal(name->name)) {
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
    error(Code::UnknownDimension, dim.loc, "unknown dimension '" + name->name + "'")
        .suggest("a dimension is known once it stands in the shape of an argument");
    return {};
  }
  auto isComputed = [&] {
    notBuilt(Code::DimArithmeticNotBuilt, dim.loc, "a dimension computed from others", "give the axis a name of its own");
    return Attribute();
  };
  bool isOfDims = false;
  forEachExpr(*dim.size, [&](const ast::Expr &inner) {
    auto *name = dyn_cast<ast::Name>(&inner);
    const DimBinding *known = name ? scope.findDim(name->name) : nullptr;
    // A dimension that is a number is one in a formula, too.
    isOfDims |= name && !findBuiltin(name->name) && (known ? !llvm::all_of(known->lanes, llvm::IsaPred<IntegerAttr>) : !scope.find(name->name));
  });
  if (isOfDims)
    return isComputed();
  Array value = evalArray(*dim.size, scope);
  if (value.isPoison())
    return {};
  if (std::optional<int64_t> size = constantIntOf(value))
    return builder.getI64IntegerAttr(*size);
  if (std::optional<double> quotient = constantOf(value); quotient && *quotient == static_cast<double>(static_cast<int64_t>(*quotient)))
    return builder.getI64IntegerAttr(static_cast<int64_t>(*quotient));
  return isComputed();
}

std::optional<Shape> Elaborator::evalShape(const ast::Type &type, size_t lane, Scope &scope, bool mayDeclare) {
  Shape shape(type.dims.size());
  bool isSound = true;
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
  if (symbol && !inner.findDim(symbol->name) && !inner.findLocal(symbol->name)) {
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
    Diagnostic &diagnostic = error(Code::DimensionConflict, at, "'" + symbol->name + "' is " + describe(actual) + " here, in axis " +
                                                                    std::to_string(axis) + " of '" + name.str() + "', and " +
                                                                    describe(expected) + " elsewhere");
    if (known)
      diagnostic.note(known->loc, "'" + symbol->name + "' is " + describe(expected) + " here");
    return false;
  }
  return true;
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
      if (isFormula == (nameOf(dim) == nullptr) && !bindDim(dim, x, axis, name, at, inner))
        return false;
  return true;
}
