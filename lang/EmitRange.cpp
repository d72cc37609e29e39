//===- EmitRange.cpp - The range of an index ----------------------------------===//
//
// An index runs over the axes at which it stands bare, which must have one size. Where it also stands shifted at an axis, V[k + 1] beside
// V[k], it cannot mean the whole of that axis: such an axis may be longer than its range, but tells it nothing. An index that stands bare
// nowhere has the range of the index with which it is compared.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using llvm::SmallVector;
using mlir::Attribute;

/// The index that a bare name stands for, or null.
static IndexVar *indexOf(const ast::Expr *expr, Scope &scope) {
  auto *name = dyn_cast<ast::Name>(expr);
  const Binding *binding = name && !name->primed ? scope.find(name->name) : nullptr;
  return binding ? binding->entity.index() : nullptr;
}

/// The indices in a sum, difference or product: those of k + 1, not those of order[k].
static void collectShifted(const ast::Expr &expr, Scope &scope, llvm::SmallPtrSetImpl<IndexVar *> &indices) {
  if (IndexVar *index = indexOf(&expr, scope))
    indices.insert(index);
  if (auto *unary = dyn_cast<ast::Unary>(&expr))
    collectShifted(*unary->operand, scope, indices);
  auto *binary = dyn_cast<ast::Binary>(&expr);
  if (!binary || binary->op == ast::BinaryOp::Mod) // k % n stays where it is
    return;
  collectShifted(*binary->lhs, scope, indices);
  collectShifted(*binary->rhs, scope, indices);
}

namespace {
/// An index bare at an axis of a named value.
struct Place {
  IndexVar *index;
  std::pair<std::string, size_t> axis;
  Attribute size;
  Location at;
};
} // namespace

/// The shape of a formula of names and numbers that stands before a subscript, as 2 * c in (2 * c)[k]. It is evaluated for that alone: what it
/// leaves behind is dead, and its errors are reported where it is evaluated again.
std::optional<Shape> Elaborator::shapeOfBase(const ast::Expr &base, Scope &scope) {
  bool isPlain = true;
  forEachExpr(base, [&](const ast::Expr &inner) {
    auto *call = dyn_cast<ast::Call>(&inner);
    auto *word = call ? dyn_cast<ast::Name>(call->callee.get()) : nullptr;
    isPlain &= !call || (word && !scope.find(word->name) && findBuiltin(word->name));
    isPlain &= !llvm::isa<ast::Index, ast::Lambda, ast::Derivative, ast::TotalDerivative, ast::By, ast::Member>(&inner);
    isPlain &= !indexOf(&inner, scope);
  });
  if (!isPlain)
    return std::nullopt;
  Diagnostics::Mark before = diagnostics.mark();
  Entity entity = eval(base, scope);
  const Complex *z = entity.get<Complex>();
  Array x = z ? sliceLane(z->re) : entity.isArray() ? sliceLane(entity.array()) : Array();
  diagnostics.rollBack(before);
  return x.isPoison() ? std::nullopt : std::optional(Shape(ownShape(x)));
}

/// Gives ranges to indices that stand bare in `x[.., i, ..]`, before anything is emitted.
void Elaborator::findRanges(const ast::Expr &expr, Scope &scope) {
  std::vector<Place> bare;
  std::map<std::pair<std::string, size_t>, llvm::SmallPtrSet<IndexVar *, 2>> shifted;
  forEachExpr(expr, [&](const ast::Expr &inner) {
    auto *access = dyn_cast<ast::Index>(&inner);
    auto *base = access ? dyn_cast<ast::Name>(access->base.get()) : nullptr;
    std::string key = base ? base->name + (base->primed ? "'" : "") : "";
    const Binding *binding = base ? scope.find(key) : nullptr;
    if (!access || (base && !binding))
      return;
    Entity entity = binding ? valueOf(*binding) : Entity();
    const Complex *z = entity.get<Complex>();
    std::optional<Shape> found = base ? std::nullopt : shapeOfBase(*access->base, scope);
    if (base ? !(z || entity.isArray()) : !found)
      return;
    bool isPoison = base && entity.isPoison();
    if (base && !isPoison)
      found = Shape(ownShape(sliceLane(z ? z->re : entity.array())));
    Shape shape = found.value_or(Shape());
    if (!base)
      key = textOf(access->base->loc);
    for (auto [position, sub] : llvm::enumerate(access->subscripts)) {
      if (sub.kind == ast::SubKind::Rest || (!isPoison && position >= shape.size()))
        return;
      if (sub.kind != ast::SubKind::Value)
        continue;
      IndexVar *index = indexOf(sub.value.get(), scope);
      if (!index)
        collectShifted(*sub.value, scope, shifted[{key, position}]);
      else if (isPoison)
        index->isPoison = true;
      else
        bare.push_back({index, {key, position}, shape[position], sub.loc});
    }
  });
  auto isShifted = [&](const Place &place) {
    auto it = shifted.find(place.axis);
    return it != shifted.end() && it->second.contains(place.index);
  };
  for (const Place &place : bare)
    if (!isShifted(place))
      setRange(*place.index, place.size, place.at);
  for (const Place &place : bare) {
    IndexVar &index = *place.index;
    if (!isShifted(place) || index.dim == place.size)
      continue;
    bool isLonger = index.dim && (DimExpr::of(place.size) - DimExpr::of(index.dim)).isNeverNegative();
    if (isLonger)
      index.longer.push_back(place.size);
    else
      setRange(index, place.size, place.at);
  }
}

/// D1: an index without a range has that of the index with which it is compared, or of those in the value with which it is.
void Elaborator::shareRange(const ast::Compare &comparison, Scope &scope) {
  SmallVector<std::pair<IndexVar *, Location>> missing;
  IndexVar *known = nullptr;
  bool isPoison = false, isOne = true;
  auto take = [&](IndexVar *index) {
    isPoison |= index->isPoison;
    isOne &= !known || !index->dim || known->dim == index->dim;
    if (index->dim)
      known = index;
  };
  for (const ast::ExprPtr &operand : comparison.operands) {
    IndexVar *index = indexOf(operand.get(), scope);
    if (index && !index->dim)
      missing.push_back({index, operand->loc});
    forEachExpr(*operand, [&](const ast::Expr &inner) {
      if (IndexVar *other = indexOf(&inner, scope))
        take(other);
    });
  }
  for (auto [index, at] : missing) {
    index->isPoison |= isPoison;
    if (known && isOne)
      setRange(*index, known->dim, at);
  }
}

/// The same in all comparisons of an expression.
void Elaborator::shareRanges(const ast::Expr &body, Scope &scope) {
  forEachExpr(body, [&](const ast::Expr &inner) {
    if (auto *comparison = dyn_cast<ast::Compare>(&inner))
      shareRange(*comparison, scope);
  });
}
