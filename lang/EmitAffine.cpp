//===- EmitAffine.cpp - Subscripts known to leave their axis -----------------===//
//
// An index has the range of the axes at which it stands bare; a shifted one, x[k + 1], only constrains it. Where sizes known to the
// compiler prove that some place lies outside the axis, that is an error of the spec; all else is checked at each call.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"
#include "lang/Walk.h"

#include "llvm/ADT/MapVector.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Attribute;
using mlir::IntegerAttr;

namespace {

/// A constant plus multiples of indices and of sizes.
struct Affine {
  int64_t constant = 0;
  llvm::MapVector<IndexVar *, int64_t> indices;
  llvm::MapVector<Attribute, int64_t> sizes;

  bool isConstant() const { return indices.empty() && sizes.empty(); }
  void add(const Affine &other, int64_t factor) {
    constant += factor * other.constant;
    for (auto [index, times] : other.indices)
      indices[index] += factor * times;
    for (auto [size, times] : other.sizes)
      sizes[size] += factor * times;
  }
};

/// A constant plus a multiple of the size of the axis at hand, which is at least 1.
struct Bound {
  int64_t constant = 0;
  int64_t sizes = 0;

  /// Whether it is negative, or not, for every size.
  bool isNegative() const { return sizes <= 0 && constant + sizes < 0; }
  bool isNonNegative() const { return sizes >= 0 && constant + sizes >= 0; }
};

} // namespace

/// Larger numbers are left to the calls, so that no sum overflows.
static constexpr int64_t maxNumber = int64_t(1) << 31, maxFactor = int64_t(1) << 20;

static bool isSmall(const Affine &form) {
  auto isSmallFactor = [](const auto &entry) { return std::abs(entry.second) <= maxFactor; };
  return std::abs(form.constant) <= maxNumber && llvm::all_of(form.indices, isSmallFactor) && llvm::all_of(form.sizes, isSmallFactor);
}

static std::string describe(const Bound &bound, Attribute size) {
  if (bound.sizes == 0)
    return std::to_string(bound.constant);
  std::string text = (bound.sizes == 1 ? "" : std::to_string(bound.sizes) + " ") + lang::describe(size);
  if (bound.constant != 0)
    text += (bound.constant < 0 ? " - " : " + ") + std::to_string(std::abs(bound.constant));
  return text;
}

/// The expression as an affine form, if it is one.
static std::optional<Affine> readAffine(const ast::Expr &expr, Scope &scope, size_t lane) {
  Affine result;
  if (auto *literal = dyn_cast<ast::Number>(&expr)) {
    if (!literal->isInteger || literal->integer > maxNumber)
      return std::nullopt;
    result.constant = literal->integer;
    return result;
  }
  if (auto *name = dyn_cast<ast::Name>(&expr); name && !name->primed) {
    if (const Binding *binding = scope.find(name->name)) {
      if (!binding->entity.index())
        return std::nullopt;
      result.indices[binding->entity.index()] = 1;
      return result;
    }
    if (const DimBinding *dim = scope.findDim(name->name)) {
      if (auto fixed = dyn_cast<IntegerAttr>(dim->lane(lane)))
        result.constant = fixed.getInt();
      else
        result.sizes[dim->lane(lane)] = 1;
      return isSmall(result) ? std::optional(result) : std::nullopt;
    }
    return std::nullopt;
  }
  if (auto *unary = dyn_cast<ast::Unary>(&expr); unary && unary->op == ast::UnaryOp::Neg) {
    std::optional<Affine> operand = readAffine(*unary->operand, scope, lane);
    if (operand)
      result.add(*operand, -1);
    return operand ? std::optional(result) : std::nullopt;
  }
  auto *binary = dyn_cast<ast::Binary>(&expr);
  if (!binary)
    return std::nullopt;
  std::optional<Affine> lhs = readAffine(*binary->lhs, scope, lane), rhs = readAffine(*binary->rhs, scope, lane);
  if (!lhs || !rhs)
    return std::nullopt;
  if (binary->op == ast::BinaryOp::Add || binary->op == ast::BinaryOp::Sub) {
    lhs->add(*rhs, binary->op == ast::BinaryOp::Add ? 1 : -1);
    return isSmall(*lhs) ? lhs : std::nullopt;
  }
  if (binary->op != ast::BinaryOp::Mul || !(lhs->isConstant() || rhs->isConstant()))
    return std::nullopt;
  const Affine &factor = lhs->isConstant() ? *lhs : *rhs;
  result.add(lhs->isConstant() ? *rhs : *lhs, factor.constant);
  return isSmall(result) ? std::optional(result) : std::nullopt;
}

/// What a subscript has beside its indices, as a formula.
static DimExpr offsetOf(const Affine &place) {
  DimExpr offset = DimExpr::number(place.constant);
  for (auto [size, times] : place.sizes)
    offset = offset + DimExpr::of(size) * DimExpr::number(times);
  return offset;
}

/// Whether a subscript is inside its axis for all values of its indices, whatever the sizes are.
bool Elaborator::staysInside(const ast::Subscript &sub, Attribute whole, Scope &scope) const {
  std::optional<Affine> place = readAffine(*sub.value, scope, activeLane.value_or(0));
  if (!place)
    return false;
  DimExpr least = offsetOf(*place), most = least;
  for (auto [index, times] : place->indices) {
    if (!index->dim)
      return false;
    DimExpr &moved = times > 0 ? most : least;
    moved = moved + (DimExpr::of(index->dim) - DimExpr::number(1)) * DimExpr::number(times);
  }
  return least.isNeverNegative() && (DimExpr::of(whole) - DimExpr::number(1) - most).isNeverNegative();
}

/// Reports a subscript that is outside its axis for some value of its indices, whatever the sizes are.
bool Elaborator::checkPosition(const ast::Subscript &sub, Attribute whole, Scope &scope) {
  std::optional<Affine> place = readAffine(*sub.value, scope, activeLane.value_or(0));
  if (!place || numConditions > 0 || place->indices.empty())
    return true;
  Bound least{place->constant, 0};
  for (auto [size, times] : place->sizes) {
    if (size != whole && times != 0)
      return true; // an unknown size shifts it
    least.sizes += times;
  }
  Bound most = least;
  for (auto [index, times] : place->indices) {
    auto fixed = llvm::dyn_cast_or_null<IntegerAttr>(index->dim);
    if (!index->dim || (fixed && (fixed.getInt() == 0 || fixed.getInt() > maxNumber)))
      return true;
    // The index takes 0, and size - 1 where that is comparable.
    Bound last{fixed ? fixed.getInt() - 1 : index->dim == whole ? -1 : 0, !fixed && index->dim == whole};
    Bound &moved = times > 0 ? most : least;
    moved.constant += times * last.constant;
    moved.sizes += times * last.sizes;
  }
  auto fixed = dyn_cast<IntegerAttr>(whole);
  bool isBefore = least.isNegative();
  Bound beyond{most.constant - (fixed ? fixed.getInt() : 0), most.sizes - !fixed};
  if (!isBefore && !beyond.isNonNegative())
    return true;
  Diagnostic &diagnostic = error(Code::IndexOutOfRange, sub.loc,
                                 "the subscript reaches " + ::describe(isBefore ? least : most, whole) + ", outside an axis of size " + lang::describe(whole));
  for (auto [index, times] : place->indices)
    if (times != 0)
      diagnostic.note(index->dimLoc, "'" + index->name + "' runs over a whole axis of size " + lang::describe(index->dim) + " here");
  std::string name = place->indices.front().first->name;
  diagnostic.suggest("places count from 0: let '" + name + "' run over a shorter axis, or wrap the place around with '%'");
  return false;
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// How far the only index without a range may go so that the place stays inside an axis of size `whole`: x[2 * p + a] is inside for
/// 2 * p + most(a) < whole. Nothing where that does not show.
static std::optional<std::pair<IndexVar *, DimExpr>> findReach(const Affine &place, Attribute whole) {
  IndexVar *open = nullptr;
  DimExpr least = offsetOf(place), most = least;
  for (auto [index, times] : place.indices) {
    if (times == 0)
      continue;
    if (!index->dim) {
      if (open || times < 0)
        return std::nullopt;
      open = index;
      continue;
    }
    DimExpr &moved = times > 0 ? most : least;
    moved = moved + (DimExpr::of(index->dim) - DimExpr::number(1)) * DimExpr::number(times);
  }
  if (!open || open->isPoison || !least.isNeverNegative())
    return std::nullopt;
  DimExpr one = DimExpr::number(1), left = DimExpr::of(whole) - one - most, step = DimExpr::number(place.indices.lookup(open));
  DimExpr size = (step.getNumber() == 1 ? left : DimExpr::floorDiv(left, step)) + one;
  return size.isValid() ? std::optional(std::pair(open, size)) : std::nullopt;
}

/// Gives ranges to indices that stand bare nowhere: the largest range in which their places x[2 * p + a] are inside of their axes, so that
/// y[p] = sum[a](x[p + a] * k[a]) has a value for each window that lies in x.
void Elaborator::findWindows(const ast::Expr &expr, Scope &scope) {
  llvm::MapVector<IndexVar *, std::pair<DimExpr, Location>> reaches;
  llvm::SmallPtrSet<IndexVar *, 4> bare;
  auto readAccess = [&](const ast::Index &access) {
    auto *base = dyn_cast<ast::Name>(access.base.get());
    const Binding *binding = base ? scope.find(base->name + (base->primed ? "'" : "")) : nullptr;
    Entity entity = binding ? valueOf(*binding) : Entity();
    const Complex *z = entity.get<Complex>();
    std::optional<Shape> found = base ? std::nullopt : shapeOfBase(*access.base, scope);
    bool isKnown = found || (binding && (z || entity.isArray()) && !entity.isPoison());
    Shape shape = found ? *found : isKnown ? Shape(ownShape(sliceLane(z ? z->re : entity.array()))) : Shape();
    for (auto [position, sub] : llvm::enumerate(access.subscripts)) {
      if (sub.kind != ast::SubKind::Value) {
        isKnown &= sub.kind == ast::SubKind::Slice;
        continue;
      }
      std::optional<Affine> place = readAffine(*sub.value, scope, activeLane.value_or(0));
      if (place && llvm::isa<ast::Name>(sub.value.get()) && !place->indices.empty())
        bare.insert(place->indices.front().first);
      auto reach = place && isKnown && position < shape.size() ? findReach(*place, shape[position]) : std::nullopt;
      if (!reach)
        continue;
      auto [it, isFirst] = reaches.insert({reach->first, {reach->second, sub.loc}});
      DimExpr &size = it->second.first;
      if (!isFirst && !(reach->second - size).isNeverNegative())
        size = (size - reach->second).isNeverNegative() ? reach->second : DimExpr::min(size, reach->second);
    }
  };
  forEachExpr(expr, [&](const ast::Expr &inner) {
    if (auto *access = dyn_cast<ast::Index>(&inner))
      readAccess(*access);
  });
  for (auto &[index, reach] : reaches) {
    if (bare.contains(index) || index->dim)
      continue;
    if (std::optional<int64_t> size = reach.first.getNumber(); size && *size < 0) {
      error(Code::IndexOutOfRange, reach.second, "no value of '" + index->name + "' keeps this inside its axis").suggest("the axis is shorter than the window");
      index->isPoison = true;
      continue;
    }
    setRange(*index, reach.first.toAttr(builder.getContext()), reach.second);
  }
}
